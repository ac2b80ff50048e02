#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "image_codecs.h"

// Two lines of up to four channels of 16 bits, and the state of the decompression.
enum { fixed_bytes = 1 << 20, bytes_per_column = 16, largest_side = 1000000 };

typedef struct {
    png_structp png;
    png_infop info;
    jmp_buf failed;
    char *message;
    const uint8_t *bytes;
    size_t count;
    size_t position;
    uint8_t *rgb;
    size_t capacity;
} decoder;

static void keep_message(char *message, const char *text) {
    snprintf(message, BONN_CODEC_MESSAGE_SIZE, "%s", text);
}

static void fail_decoding(png_structp png, png_const_charp text) {
    decoder *self = png_get_error_ptr(png);
    keep_message(self->message, text);
    longjmp(self->failed, 1);
}

static void ignore_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void read_bytes(png_structp png, png_bytep target, size_t count) {
    decoder *self = png_get_io_ptr(png);
    if (self->count - self->position < count)
        png_error(png, "the PNG data ends too early");
    memcpy(target, self->bytes + self->position, count);
    self->position += count;
}

static void read_header(decoder *self) {
    png_set_read_fn(self->png, self, read_bytes);
    // Only IHDR, PLTE, IDAT and IEND matter to the pixels; whatever other chunks hold, they are
    // passed over and never unpacked.
    png_set_keep_unknown_chunks(self->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_user_limits(self->png, largest_side, largest_side);
    png_set_chunk_cache_max(self->png, 1);
    png_read_info(self->png, self->info);
}

// Expands a row of palette indices that lies at the end of the room for the row of colours.
static void expand_palette(uint8_t *row, size_t width, const png_color *palette, int colours) {
    const uint8_t *indices = row + width * 2;
    for (size_t x = 0; x < width; ++x) {
        const png_color black = {0, 0, 0};
        const png_color colour = indices[x] < colours ? palette[indices[x]] : black;
        row[3 * x] = colour.red;
        row[3 * x + 1] = colour.green;
        row[3 * x + 2] = colour.blue;
    }
}

static int run_info(decoder *self, bonn_image_info *info) {
    if (setjmp(self->failed))
        return 1;
    read_header(self);
    info->width = png_get_image_width(self->png, self->info);
    info->height = png_get_image_height(self->png, self->info);
    info->working_bytes = fixed_bytes + (uint64_t)bytes_per_column * info->width;
    return 0;
}

static int run_decode(decoder *self) {
    png_structp png = self->png;
    png_infop info = self->info;
    if (setjmp(self->failed))
        return 1;
    read_header(self);
    const size_t width = png_get_image_width(png, info);
    const size_t height = png_get_image_height(png, info);
    if (self->capacity != width * height * 3)
        png_error(png, "the buffer does not have the size of the image");
    const int type = png_get_color_type(png, info);
    const int depth = png_get_bit_depth(png, info);
    png_colorp palette = NULL;
    int colours = 0;
    size_t pixel_bytes = 3;
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_get_PLTE(png, info, &palette, &colours);
        png_set_packing(png);
        pixel_bytes = 1;
    } else {
        if (type == PNG_COLOR_TYPE_GRAY && depth < 8)
            png_set_expand_gray_1_2_4_to_8(png);
        // Gray of 16 bits is measured (depth, X-rays) and rounded; of colours the upper byte is
        // taken, as Pillow does.
        if (type == PNG_COLOR_TYPE_GRAY)
            png_set_scale_16(png);
        else
            png_set_strip_16(png);
        png_set_strip_alpha(png);
        if (!(type & PNG_COLOR_MASK_COLOR))
            png_set_gray_to_rgb(png);
    }
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != width * pixel_bytes)
        png_error(png, "unexpected row size");
    for (int pass = 0; pass < passes; ++pass) {
        for (size_t y = 0; y < height; ++y) {
            uint8_t *row = self->rgb + y * width * 3;
            png_read_row(png, row + width * (3 - pixel_bytes), NULL);
        }
    }
    png_read_end(png, NULL);
    for (size_t y = 0; pixel_bytes < 3 && y < height; ++y) {
        uint8_t *row = self->rgb + y * width * 3;
        expand_palette(row, width, palette, colours);
    }
    return 0;
}

static int create(decoder *self) {
    self->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, self, fail_decoding, ignore_warning);
    self->info = self->png ? png_create_info_struct(self->png) : NULL;
    if (self->info)
        return 1;
    keep_message(self->message, "out of memory");
    return 0;
}

int bonn_png_info(const uint8_t *bytes, size_t count, bonn_image_info *info, char *message) {
    decoder self = {.message = message, .bytes = bytes, .count = count};
    int status = create(&self) ? run_info(&self, info) : 1;
    png_destroy_read_struct(&self.png, &self.info, NULL);
    return status;
}

int bonn_png_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, size_t capacity,
                    char *message) {
    decoder self = {
        .message = message, .bytes = bytes, .count = count, .rgb = rgb, .capacity = capacity};
    int status = create(&self) ? run_decode(&self) : 1;
    png_destroy_read_struct(&self.png, &self.info, NULL);
    return status;
}
