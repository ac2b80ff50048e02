#include <stdio.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

#include "image_codecs.h"

// What the library takes beside the image: some lines at a time, the transparency that is decoded
// on the way, four bytes a pixel where the file is lossless or says nothing, and for a film the
// canvas twice.
enum { fixed_bytes = 1 << 20, bytes_per_column = 256 };
enum { lossy = 1, bytes_of_transparency = 5, bytes_of_lossless = 4, bytes_of_film = 12 };

// A lossless file may have other codes for every 4x4 pixels, each of which libwebp keeps as tables.
// Less than 20 bits of the file make no five codes.
enum { most_codes = 65536, bytes_of_codes = 13000, bits_of_codes = 20 };

static int fail(char *message, const char *text) {
    snprintf(message, BONN_CODEC_MESSAGE_SIZE, "%s", text);
    return 1;
}

static const char *text_of(VP8StatusCode status) {
    switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return "out of memory";
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
        return "the WebP data ends too early";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return "the WebP data uses a feature that is not supported";
    default:
        return "the WebP data is damaged";
    }
}

int bonn_webp_info(const uint8_t *bytes, size_t count, bonn_image_info *info, char *message) {
    WebPBitstreamFeatures features;
    const VP8StatusCode status = WebPGetFeatures(bytes, count, &features);
    if (status != VP8_STATUS_OK)
        return fail(message, text_of(status));
    info->width = (uint32_t)features.width;
    info->height = (uint32_t)features.height;
    const uint64_t bytes_per_pixel = features.has_animation     ? bytes_of_film
                                     : features.format != lossy ? bytes_of_lossless
                                     : features.has_alpha       ? bytes_of_transparency
                                                                : 0;
    info->working_bytes = fixed_bytes + (uint64_t)bytes_per_column * info->width +
                          bytes_per_pixel * info->width * info->height;
    if (features.format != lossy) {
        const uint64_t blocks =
            ((uint64_t)info->width + 3) / 4 * (((uint64_t)info->height + 3) / 4);
        const uint64_t in_file = (uint64_t)count * 8 / bits_of_codes + 1;
        uint64_t codes = blocks < in_file ? blocks : in_file;
        codes = codes < most_codes ? codes : most_codes;
        info->table_bytes = codes * bytes_of_codes;
    }
    return 0;
}

static int decode_still(const uint8_t *bytes, size_t count, uint8_t *rgb, size_t capacity,
                        int width, char *message) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return fail(message, "libwebp is of another version than its headers");
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = rgb;
    config.output.u.RGBA.stride = 3 * width;
    config.output.u.RGBA.size = capacity;
    const VP8StatusCode status = WebPDecode(bytes, count, &config);
    WebPFreeDecBuffer(&config.output);
    return status == VP8_STATUS_OK ? 0 : fail(message, text_of(status));
}

static int decode_first_frame(const uint8_t *bytes, size_t count, uint8_t *rgb, size_t capacity,
                              char *message) {
    const WebPData data = {bytes, count};
    WebPAnimDecoderOptions options;
    if (!WebPAnimDecoderOptionsInit(&options))
        return fail(message, "libwebp is of another version than its headers");
    WebPAnimDecoder *film = WebPAnimDecoderNew(&data, &options);
    if (!film)
        return fail(message, "the WebP data is damaged or ends too early");
    uint8_t *canvas = NULL;
    int time = 0;
    const int is_decoded = WebPAnimDecoderGetNext(film, &canvas, &time);
    for (size_t i = 0; is_decoded && i < capacity / 3; ++i)
        memcpy(rgb + 3 * i, canvas + 4 * i, 3);
    WebPAnimDecoderDelete(film);
    return is_decoded ? 0 : fail(message, "the first frame of the WebP file is damaged");
}

int bonn_webp_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, size_t capacity,
                     char *message) {
    WebPBitstreamFeatures features;
    const VP8StatusCode status = WebPGetFeatures(bytes, count, &features);
    if (status != VP8_STATUS_OK)
        return fail(message, text_of(status));
    if (capacity != (size_t)features.width * (size_t)features.height * 3)
        return fail(message, "the buffer does not have the size of the image");
    return features.has_animation
               ? decode_first_frame(bytes, count, rgb, capacity, message)
               : decode_still(bytes, count, rgb, capacity, features.width, message);
}
