#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "image_codecs.h"

// A progressive file can hold thousands of scans of almost no bytes, each of which costs a pass
// over the whole image. Encoders write about ten, and 18 for four channels.
enum { maximum_scans = 64 };
// What the library takes beside the coefficients: tables, and some lines at a time of each channel.
enum { fixed_bytes = 1 << 20, bytes_per_column = 256 };

typedef struct {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    char *message;
    const uint8_t *bytes;
    size_t count;
    uint8_t *rgb;
    size_t capacity;
    uint8_t *cmyk;
} decoder;

static void fail(j_common_ptr common) {
    decoder *self = common->client_data;
    char text[JMSG_LENGTH_MAX];
    common->err->format_message(common, text);
    snprintf(self->message, BONN_CODEC_MESSAGE_SIZE, "%s", text);
    longjmp(self->failed, 1);
}

static void fail_with(decoder *self, const char *text) {
    snprintf(self->message, BONN_CODEC_MESSAGE_SIZE, "%s", text);
    longjmp(self->failed, 1);
}

// libjpeg warns and goes on with made-up pixels where compressed data is missing or damaged. Those
// warnings are errors here; the harmless ones (stray bytes between markers, unknown versions) are
// not.
static void handle_message(j_common_ptr common, int level) {
    if (level >= 0)
        return;
    switch (common->err->msg_code) {
    case JWRN_JPEG_EOF:
        fail_with(common->client_data, "the JPEG data ends too early");
        break;
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
        fail(common);
        break;
    default:
        break;
    }
}

static void limit_scans(j_common_ptr common) {
    decoder *self = common->client_data;
    if (self->jpeg.input_scan_number > maximum_scans)
        fail_with(self, "the JPEG data has more than 64 scans");
}

static int multiply255(int a, int b) {
    int product = a * b + 128;
    return ((product >> 8) + product) >> 8;
}

// Pillow takes every four-channel JPEG for Adobe's, which stores ink inverted: 255 is none.
static void convert_cmyk(const uint8_t *cmyk, uint8_t *rgb, size_t width) {
    for (size_t x = 0; x < width; ++x) {
        int paper = cmyk[4 * x + 3];
        for (int c = 0; c < 3; ++c) {
            int ink = 255 - cmyk[4 * x + c];
            int value = paper - multiply255(ink, paper);
            rgb[3 * x + c] = (uint8_t)(value < 0 ? 0 : value);
        }
    }
}

static void read_header(decoder *self) {
    struct jpeg_decompress_struct *jpeg = &self->jpeg;
    jpeg->err = jpeg_std_error(&self->errors);
    self->errors.error_exit = fail;
    self->errors.emit_message = handle_message;
    jpeg->client_data = self;
    jpeg_create_decompress(jpeg);
    self->progress.progress_monitor = limit_scans;
    jpeg->progress = &self->progress;
    jpeg_mem_src(jpeg, self->bytes, self->count);
    jpeg_read_header(jpeg, TRUE);
}

// What decoding takes beside the image. Only a file of several scans, which come one after the
// other over the whole image, makes the library keep all coefficients.
static uint64_t working_bytes(decoder *self) {
    struct jpeg_decompress_struct *jpeg = &self->jpeg;
    uint64_t bytes = fixed_bytes + (uint64_t)bytes_per_column * jpeg->image_width;
    if (!jpeg_has_multiple_scans(jpeg))
        return bytes;
    for (int c = 0; c < jpeg->num_components; ++c) {
        const jpeg_component_info *component = &jpeg->comp_info[c];
        // The library rounds up to whole units of all channels.
        const uint64_t columns = component->width_in_blocks + (uint64_t)component->h_samp_factor;
        const uint64_t rows = component->height_in_blocks + (uint64_t)component->v_samp_factor;
        bytes += columns * rows * sizeof(JBLOCK);
    }
    return bytes;
}

static int run_info(decoder *self, bonn_image_info *info) {
    if (setjmp(self->failed))
        return 1;
    read_header(self);
    info->width = self->jpeg.image_width;
    info->height = self->jpeg.image_height;
    info->working_bytes = working_bytes(self);
    return 0;
}

static int run_decode(decoder *self) {
    struct jpeg_decompress_struct *jpeg = &self->jpeg;
    if (setjmp(self->failed))
        return 1;
    read_header(self);
    const size_t width = jpeg->image_width;
    if (self->capacity != width * jpeg->image_height * 3)
        fail_with(self, "the buffer does not have the size of the image");
    const int is_cmyk = jpeg->num_components == 4;
    if (is_cmyk) {
        self->cmyk = malloc(width * 4);
        if (!self->cmyk)
            fail_with(self, "out of memory");
    }
    // The library counts what it holds and fails instead of taking more. Without this, the
    // environment (JPEGMEM) would say how much that is.
    const uint64_t limit = fixed_bytes + working_bytes(self);
    jpeg->mem->max_memory_to_use = limit < LONG_MAX ? (long)limit : LONG_MAX;
    jpeg->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *line = self->rgb + (size_t)jpeg->output_scanline * width * 3;
        JSAMPROW row = is_cmyk ? self->cmyk : line;
        jpeg_read_scanlines(jpeg, &row, 1);
        if (is_cmyk)
            convert_cmyk(self->cmyk, line, width);
    }
    jpeg_finish_decompress(jpeg);
    return 0;
}

int bonn_jpeg_info(const uint8_t *bytes, size_t count, bonn_image_info *info, char *message) {
    decoder self = {.message = message, .bytes = bytes, .count = count};
    int status = run_info(&self, info);
    jpeg_destroy_decompress(&self.jpeg);
    return status;
}

int bonn_jpeg_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, size_t capacity,
                     char *message) {
    decoder self = {
        .message = message, .bytes = bytes, .count = count, .rgb = rgb, .capacity = capacity};
    int status = run_decode(&self);
    jpeg_destroy_decompress(&self.jpeg);
    free(self.cmyk);
    return status;
}
