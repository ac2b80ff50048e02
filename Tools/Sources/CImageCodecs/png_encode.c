#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "image_codecs.h"

typedef struct {
    png_structp png;
    png_infop info;
    jmp_buf failed;
    char *message;
    const uint8_t *pixels;
    uint32_t width;
    uint32_t height;
    int channels;
    uint8_t *bytes;
    size_t count;
    size_t capacity;
} encoder;

static void fail_encoding(png_structp png, png_const_charp text) {
    encoder *self = png_get_error_ptr(png);
    snprintf(self->message, BONN_CODEC_MESSAGE_SIZE, "%s", text);
    longjmp(self->failed, 1);
}

static void ignore_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void append(png_structp png, png_bytep bytes, size_t count) {
    encoder *self = png_get_io_ptr(png);
    if (self->capacity - self->count < count) {
        size_t capacity = 2 * self->capacity + count + 4096;
        uint8_t *larger = realloc(self->bytes, capacity);
        if (!larger)
            png_error(png, "out of memory");
        self->bytes = larger;
        self->capacity = capacity;
    }
    memcpy(self->bytes + self->count, bytes, count);
    self->count += count;
}

static void flush_nothing(png_structp png) {
    (void)png;
}

static int run_encode(encoder *self) {
    if (setjmp(self->failed))
        return 1;
    png_set_write_fn(self->png, self, append, flush_nothing);
    png_set_IHDR(self->png, self->info, self->width, self->height, 8,
                 self->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(self->png, self->info);
    const size_t row_bytes = (size_t)self->width * (size_t)self->channels;
    for (uint32_t y = 0; y < self->height; ++y)
        png_write_row(self->png, self->pixels + y * row_bytes);
    png_write_end(self->png, NULL);
    return 0;
}

int bonn_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int channels,
                    uint8_t **png, size_t *count, char *message) {
    encoder self = {.message = message,
                    .pixels = pixels,
                    .width = width,
                    .height = height,
                    .channels = channels};
    int status = 1;
    self.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &self, fail_encoding, ignore_warning);
    self.info = self.png ? png_create_info_struct(self.png) : NULL;
    if (self.info)
        status = run_encode(&self);
    else
        snprintf(message, BONN_CODEC_MESSAGE_SIZE, "out of memory");
    png_destroy_write_struct(&self.png, &self.info);
    if (status) {
        free(self.bytes);
        self.bytes = NULL;
        self.count = 0;
    }
    *png = self.bytes;
    *count = self.count;
    return status;
}
