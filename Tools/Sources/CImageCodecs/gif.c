#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gif_lib.h>

#include "image_codecs.h"

// What the library keeps: its table of codes and the lines that are decoded.
enum { fixed_bytes = 1 << 20, bytes_per_column = 1 };

typedef struct {
    GifFileType *gif;
    char *message;
    const uint8_t *bytes;
    size_t count;
    size_t position;
    // Of the graphic control that stands before the first frame; NO_TRANSPARENT_COLOR for none.
    int transparent;
    size_t width;
    size_t height;
} decoder;

static int keep_message(decoder *self, const char *text) {
    snprintf(self->message, BONN_CODEC_MESSAGE_SIZE, "%s", text);
    return 1;
}

static int fail(decoder *self, int code) {
    const char *text = GifErrorString(code);
    return keep_message(self, text ? text : "the GIF data is damaged");
}

static int read_bytes(GifFileType *gif, GifByteType *target, int wanted) {
    decoder *self = gif->UserData;
    const size_t left = self->count - self->position;
    const size_t count = (size_t)wanted < left ? (size_t)wanted : left;
    memcpy(target, self->bytes + self->position, count);
    self->position += count;
    return (int)count;
}

static int read_extension(decoder *self) {
    int kind = 0;
    GifByteType *block = NULL;
    if (DGifGetExtension(self->gif, &kind, &block) == GIF_ERROR)
        return fail(self, self->gif->Error);
    while (block) {
        // The first byte of a block is its length.
        if (kind == GRAPHICS_EXT_FUNC_CODE && block[0] >= 4)
            self->transparent = block[1] & 1 ? block[4] : NO_TRANSPARENT_COLOR;
        if (DGifGetExtensionNext(self->gif, &block) == GIF_ERROR)
            return fail(self, self->gif->Error);
    }
    return 0;
}

// Goes on to the first frame, which alone is decoded.
static int open_frame(decoder *self) {
    int error = 0;
    self->transparent = NO_TRANSPARENT_COLOR;
    self->gif = DGifOpen(self, read_bytes, &error);
    if (!self->gif)
        return fail(self, error);
    for (;;) {
        GifRecordType record = UNDEFINED_RECORD_TYPE;
        if (DGifGetRecordType(self->gif, &record) == GIF_ERROR)
            return fail(self, self->gif->Error);
        if (record == TERMINATE_RECORD_TYPE)
            return keep_message(self, "the GIF file holds no image");
        if (record == IMAGE_DESC_RECORD_TYPE)
            break;
        if (record == EXTENSION_RECORD_TYPE && read_extension(self))
            return 1;
    }
    if (DGifGetImageDesc(self->gif) == GIF_ERROR)
        return fail(self, self->gif->Error);
    const GifImageDesc *frame = &self->gif->Image;
    if (frame->Width <= 0 || frame->Height <= 0 || frame->Left < 0 || frame->Top < 0)
        return keep_message(self, "the first frame of the GIF file is empty");
    // A frame beyond the screen makes the image larger, as for Pillow.
    const size_t right = (size_t)frame->Left + (size_t)frame->Width;
    const size_t bottom = (size_t)frame->Top + (size_t)frame->Height;
    const size_t width = self->gif->SWidth > 0 ? (size_t)self->gif->SWidth : 0;
    const size_t height = self->gif->SHeight > 0 ? (size_t)self->gif->SHeight : 0;
    self->width = right > width ? right : width;
    self->height = bottom > height ? bottom : height;
    return 0;
}

static void close_file(decoder *self) {
    int error = 0;
    if (self->gif)
        DGifCloseFile(self->gif, &error);
}

// A colour of the frame; black beyond its table, the index as gray where the file has no table.
static void put_colour(const ColorMapObject *map, int index, uint8_t *rgb) {
    GifColorType colour = {0, 0, 0};
    if (!map)
        memset(&colour, index, sizeof colour);
    else if (index < map->ColorCount)
        colour = map->Colors[index];
    rgb[0] = colour.Red;
    rgb[1] = colour.Green;
    rgb[2] = colour.Blue;
}

static int read_line(decoder *self, size_t y, uint8_t *indices, uint8_t *rgb) {
    const GifImageDesc *frame = &self->gif->Image;
    if (DGifGetLine(self->gif, indices, frame->Width) == GIF_ERROR)
        return fail(self, self->gif->Error);
    const ColorMapObject *map = frame->ColorMap ? frame->ColorMap : self->gif->SColorMap;
    uint8_t *line = rgb + (((size_t)frame->Top + y) * self->width + (size_t)frame->Left) * 3;
    for (int x = 0; x < frame->Width; ++x)
        put_colour(map, indices[x], line + 3 * (size_t)x);
    return 0;
}

static int read_frame(decoder *self, uint8_t *indices, uint8_t *rgb) {
    static const size_t starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
    const GifImageDesc *frame = &self->gif->Image;
    const size_t height = (size_t)frame->Height;
    const ColorMapObject *map = frame->ColorMap ? frame->ColorMap : self->gif->SColorMap;
    const int around = self->transparent == NO_TRANSPARENT_COLOR ? 0 : self->transparent;
    for (size_t i = 0; i < self->width * self->height; ++i)
        put_colour(map, around, rgb + 3 * i);
    for (int pass = 0; frame->Interlace && pass < 4; ++pass)
        for (size_t y = starts[pass]; y < height; y += steps[pass])
            if (read_line(self, y, indices, rgb))
                return 1;
    for (size_t y = 0; !frame->Interlace && y < height; ++y)
        if (read_line(self, y, indices, rgb))
            return 1;
    return 0;
}

int bonn_gif_info(const uint8_t *bytes, size_t count, bonn_image_info *info, char *message) {
    decoder self = {.message = message, .bytes = bytes, .count = count};
    const int status = open_frame(&self);
    info->width = (uint32_t)self.width;
    info->height = (uint32_t)self.height;
    info->working_bytes = fixed_bytes + (uint64_t)bytes_per_column * info->width;
    close_file(&self);
    return status;
}

int bonn_gif_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, size_t capacity,
                    char *message) {
    decoder self = {.message = message, .bytes = bytes, .count = count};
    int status = open_frame(&self);
    uint8_t *indices = NULL;
    if (!status && capacity != self.width * self.height * 3)
        status = keep_message(&self, "the buffer does not have the size of the image");
    if (!status && !(indices = malloc((size_t)self.gif->Image.Width)))
        status = keep_message(&self, "out of memory");
    if (!status)
        status = read_frame(&self, indices, rgb);
    free(indices);
    close_file(&self);
    return status;
}
