// A chain of element-wise steps in one pass: the body that every kernel set compiles for itself.
//
// A tile of 8 pixels x 8 channels stays in registers from the first step to the last; what a step
// needs of its channels is loaded once a tile. The 8 threshold bits of a pixel are one byte.
// Every step is one IEEE operation after the other, never contracted.
//
// Include after defining BONN_MAP_F32, BONN_MAP_I32, the names of the functions, and
// BONN_SIGN_BITS(i32x8), the 8 sign bits of a vector.
#include "../kernels.h"
#include <string.h>

#pragma STDC FP_CONTRACT OFF

typedef float f32x8 __attribute__((vector_size(32)));
typedef int32_t i32x8 __attribute__((vector_size(32)));

enum { TILE = 8 };

#define BONN_INLINE static inline __attribute__((always_inline))

// `lanes` elements; `lanes` is a constant where it is TILE.
BONN_INLINE void load(void *to, const void *from, ptrdiff_t lanes) {
    memset(to, 0, sizeof(f32x8));
    memcpy(to, from, (size_t)lanes * 4);
}

// a where the mask is all ones, b where it is 0. A macro, because passing vectors by value depends
// on the instruction set.
#define CHOOSE(mask, a, b) ((f32x8)(((i32x8)(a) & (mask)) | ((i32x8)(b) & ~(mask))))

BONN_INLINE void apply(const bonn_map_step *step, f32x8 *v, const int pixels, ptrdiff_t channel,
                       ptrdiff_t offset, ptrdiff_t stride, ptrdiff_t lanes) {
    f32x8 first = {0}, second = {0};
    if (step->first) {
        load(&first, step->first + channel, lanes);
    }
    switch (step->operation) {
    case BONN_MAP_AFFINE:
        load(&second, step->second + channel, lanes);
        for (int i = 0; i < pixels; i++) {
            const f32x8 scaled = v[i] * first;
            v[i] = scaled + second;
        }
        break;
    case BONN_MAP_SCALE:
        for (int i = 0; i < pixels; i++) {
            v[i] = v[i] * first;
        }
        break;
    case BONN_MAP_ADD:
        for (int i = 0; i < pixels; i++) {
            load(&second, step->operand + offset + i * stride + channel, lanes);
            v[i] = v[i] + second;
        }
        break;
    case BONN_MAP_PRELU:
        for (int i = 0; i < pixels; i++) {
            v[i] = CHOOSE(v[i] >= 0, v[i], first * v[i]);
        }
        break;
    case BONN_MAP_RELU:
        for (int i = 0; i < pixels; i++) {
            v[i] = CHOOSE(v[i] < 0, (f32x8){0}, v[i]);
        }
        break;
    case BONN_MAP_HARDTANH:
        for (int i = 0; i < pixels; i++) {
            const f32x8 one = (f32x8){0} + 1;
            const f32x8 bounded = CHOOSE(v[i] < -1, -one, v[i]);
            v[i] = CHOOSE(bounded > 1, one, bounded);
        }
        break;
    }
}

// The low bits of `pixels` values, a byte each.
BONN_INLINE void compare_f32(const bonn_threshold *t, const f32x8 *v, const int pixels,
                             ptrdiff_t channel, ptrdiff_t lanes, uint8_t *bits, ptrdiff_t stride) {
    f32x8 threshold;
    i32x8 flip;
    load(&threshold, (const float *)t->values + channel, lanes);
    load(&flip, t->flip + channel, lanes);
    const ptrdiff_t byte = channel / 8;
    for (int i = 0; i < pixels; i++) {
        const i32x8 high = (f32x8)((i32x8)v[i] ^ flip) >= threshold;
        bits[i * stride + byte] =
            (uint8_t)((BONN_SIGN_BITS(~high) & t->keep[byte]) | t->forced[byte]);
    }
}

BONN_INLINE void compare_i32(const bonn_threshold *t, const i32x8 *v, const int pixels,
                             ptrdiff_t channel, ptrdiff_t lanes, uint8_t *bits, ptrdiff_t stride) {
    i32x8 threshold, flip;
    load(&threshold, (const int32_t *)t->values + channel, lanes);
    load(&flip, t->flip + channel, lanes);
    const ptrdiff_t byte = channel / 8;
    for (int i = 0; i < pixels; i++) {
        const i32x8 low = (v[i] ^ flip) < threshold;
        bits[i * stride + byte] =
            (uint8_t)((BONN_SIGN_BITS(low) & t->keep[byte]) | t->forced[byte]);
    }
}

// One tile; `pixels`, `integers` and, but for the last channels, `lanes` are constants where
// inlined.
BONN_INLINE void map_tile(const bonn_map *p, const void *x, ptrdiff_t x_stride, float *y,
                          ptrdiff_t y_stride, uint8_t *bits, ptrdiff_t bits_stride, ptrdiff_t pixel,
                          ptrdiff_t channel, const int pixels, const int integers,
                          ptrdiff_t lanes) {
    const char *from = (const char *)x + (pixel * x_stride + channel) * 4;
    f32x8 v[TILE];
    for (int i = 0; i < pixels; i++) {
        load(&v[i], from + i * x_stride * 4, lanes);
    }
    if (integers) {
        if (p->count == 0) {
            i32x8 sums[TILE];
            for (int i = 0; i < pixels; i++) {
                sums[i] = (i32x8)v[i];
            }
            compare_i32(p->threshold, sums, pixels, channel, lanes, bits + pixel * bits_stride,
                        bits_stride);
            return;
        }
        for (int i = 0; i < pixels; i++) {
            v[i] = __builtin_convertvector((i32x8)v[i], f32x8);
        }
    }
    for (ptrdiff_t step = 0; step < p->count; step++) {
        apply(p->steps + step, v, pixels, channel, pixel * y_stride, y_stride, lanes);
    }
    if (y) {
        for (int i = 0; i < pixels; i++) {
            memcpy(y + (pixel + i) * y_stride + channel, &v[i], (size_t)lanes * 4);
        }
    }
    if (bits) {
        compare_f32(p->threshold, v, pixels, channel, lanes, bits + pixel * bits_stride,
                    bits_stride);
    }
}

BONN_INLINE void map_pixels(const bonn_map *p, const void *x, ptrdiff_t x_stride, float *y,
                            ptrdiff_t y_stride, uint8_t *bits, ptrdiff_t bits_stride,
                            ptrdiff_t pixel, const int pixels, const int integers) {
    ptrdiff_t channel = 0;
    for (; channel + TILE <= p->channels; channel += TILE) {
        map_tile(p, x, x_stride, y, y_stride, bits, bits_stride, pixel, channel, pixels, integers,
                 TILE);
    }
    if (channel < p->channels) {
        map_tile(p, x, x_stride, y, y_stride, bits, bits_stride, pixel, channel, pixels, integers,
                 p->channels - channel);
    }
    const ptrdiff_t written = (p->channels + 7) / 8;
    if (bits && written < p->threshold->bytes) {
        for (int i = 0; i < pixels; i++) {
            memset(bits + (pixel + i) * bits_stride + written, 0,
                   (size_t)(p->threshold->bytes - written));
        }
    }
}

BONN_INLINE void map(const bonn_map *p, const void *x, ptrdiff_t x_stride, float *y,
                     ptrdiff_t y_stride, uint8_t *bits, ptrdiff_t bits_stride, ptrdiff_t pixels,
                     const int integers) {
    ptrdiff_t pixel = 0;
    for (; pixel + TILE <= pixels; pixel += TILE) {
        map_pixels(p, x, x_stride, y, y_stride, bits, bits_stride, pixel, TILE, integers);
    }
    for (; pixel < pixels; pixel++) {
        map_pixels(p, x, x_stride, y, y_stride, bits, bits_stride, pixel, 1, integers);
    }
}

void BONN_MAP_F32(const bonn_map *p, const float *x, ptrdiff_t x_stride, float *y,
                  ptrdiff_t y_stride, uint8_t *bits, ptrdiff_t bits_stride, ptrdiff_t pixels) {
    map(p, x, x_stride, y, y_stride, bits, bits_stride, pixels, 0);
}

void BONN_MAP_I32(const bonn_map *p, const int32_t *x, ptrdiff_t x_stride, float *y,
                  ptrdiff_t y_stride, uint8_t *bits, ptrdiff_t bits_stride, ptrdiff_t pixels) {
    map(p, x, x_stride, y, y_stride, bits, bits_stride, pixels, 1);
}
