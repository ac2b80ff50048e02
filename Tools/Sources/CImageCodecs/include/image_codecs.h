// JPEG and PNG in memory, over libjpeg-turbo and libpng.
//
// Both libraries report errors by longjmp, which must not cross Swift frames; here it ends inside
// the function that was called. Every function returns 0, or 1 with one line in `message` that says
// why. They share no state: any number of threads may call them at once.
#ifndef BONN_IMAGE_CODECS_H
#define BONN_IMAGE_CODECS_H

#include <stddef.h>
#include <stdint.h>

/// Bytes that every `message` must have room for.
#define BONN_CODEC_MESSAGE_SIZE 256

/// Reads the width and the height from the header of a JPEG file.
int bonn_jpeg_size(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height,
                   char *message);

/// Decodes a JPEG file into `height * width * 3` bytes of red, green and blue. Gray is repeated;
/// CMYK and YCCK are read with Adobe's inversion and converted as Pillow converts them. A file that
/// ends early or whose compressed data is damaged is an error, even where libjpeg would fill the
/// rest with gray.
int bonn_jpeg_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, size_t capacity,
                     char *message);

/// Reads the width and the height from the header of a PNG file.
int bonn_png_size(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height,
                  char *message);

/// Decodes a PNG file into `height * width * 3` bytes of red, green and blue. Transparency is
/// dropped without blending, 16-bit colour keeps its upper byte, 16-bit gray is clamped at 255, as
/// Pillow does.
int bonn_png_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, size_t capacity,
                    char *message);

/// Encodes `height * width * channels` bytes (1: gray, 3: red, green, blue) as a PNG file. On
/// success `*png` holds
/// `*count` bytes that the caller releases with `free`.
int bonn_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int channels,
                    uint8_t **png, size_t *count, char *message);

#endif
