// JPEG, PNG, GIF and WebP in memory, over libjpeg-turbo, libpng, giflib and libwebp.
//
// The first two report errors by longjmp, which must not cross Swift frames; here it ends inside
// the function that was called. Every function returns 0, or 1 with one line in `message` that says
// why. They share no state: any number of threads may call them at once.
#ifndef BONN_IMAGE_CODECS_H
#define BONN_IMAGE_CODECS_H

#include <stddef.h>
#include <stdint.h>

/// Bytes that every `message` must have room for.
#define BONN_CODEC_MESSAGE_SIZE 256

/// What the header of a file tells before anything is decoded.
typedef struct {
    uint32_t width;
    uint32_t height;
    /// Bytes that decoding holds at most beside the decoded image, tables aside.
    uint64_t working_bytes;
    /// Bytes that tables may take besides, of which the header says nothing: only a lossless WebP
    /// file can have more than a megabyte of them, and only one that was made to has many.
    uint64_t table_bytes;
} bonn_image_info;

/// Reads the header of a JPEG file.
int bonn_jpeg_info(const uint8_t *bytes, size_t count, bonn_image_info *info, char *message);

/// Decodes a JPEG file into `height * width * 3` bytes of red, green and blue. Gray is repeated;
/// CMYK and YCCK are read with Adobe's inversion and converted as Pillow converts them. A file that
/// ends early or whose compressed data is damaged is an error, even where libjpeg would fill the
/// rest with gray; so is one that takes more than the working bytes of its header, or more than 64
/// passes over the image.
int bonn_jpeg_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, size_t capacity,
                     char *message);

/// Reads the header of a PNG file.
int bonn_png_info(const uint8_t *bytes, size_t count, bonn_image_info *info, char *message);

/// Decodes a PNG file into `height * width * 3` bytes of red, green and blue. Transparency is
/// dropped without blending, 16-bit colour keeps its upper byte, as Pillow does; 16-bit gray is
/// scaled: (255 * v + 32767) / 65535, rounded down.
int bonn_png_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, size_t capacity,
                    char *message);

/// Reads the headers of a GIF file up to its first frame.
int bonn_gif_info(const uint8_t *bytes, size_t count, bonn_image_info *info, char *message);

/// Decodes the first frame of a GIF file into `height * width * 3` bytes of red, green and blue.
/// Transparency is dropped without blending; around a frame that is smaller than the image stands
/// the transparent colour, or colour 0, as Pillow does.
int bonn_gif_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, size_t capacity,
                    char *message);

/// Reads the header of a WebP file.
int bonn_webp_info(const uint8_t *bytes, size_t count, bonn_image_info *info, char *message);

/// Decodes a WebP file, or the first frame of a film, into `height * width * 3` bytes of red, green
/// and blue. Transparency is dropped without blending.
int bonn_webp_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, size_t capacity,
                     char *message);

/// Encodes `height * width * channels` bytes (1: gray, 3: red, green, blue) as a PNG file. On
/// success `*png` holds
/// `*count` bytes that the caller releases with `free`.
int bonn_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int channels,
                    uint8_t **png, size_t *count, char *message);

#endif
