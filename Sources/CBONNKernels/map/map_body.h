// A chain of element-wise steps in one pass: the body that every kernel set compiles for itself.
//
// A tile of 8 pixels x a vector of channels stays in registers from the first step to the last;
// what a step needs of its channels is loaded once a tile. Every step is one IEEE operation after
// the other, never contracted.
//
// Include after defining BONN_MAP_F32, BONN_MAP_I32, the names of the functions; BONN_MAP_LANES,
// the channels of a vector, 8 or 16; and BONN_SIGN_BITS(i32xn), the sign bits of a vector.
#include "../kernels.h"
#include "../loops.h"
#include <string.h>

#pragma STDC FP_CONTRACT OFF

typedef float f32xn __attribute__((vector_size(4 * BONN_MAP_LANES)));
typedef int32_t i32xn __attribute__((vector_size(4 * BONN_MAP_LANES)));

enum { PIXELS = 8, LANES = BONN_MAP_LANES };

// `lanes` elements; `lanes` is a constant where it is LANES.
BONN_INLINE void load(void *to, const void *from, ptrdiff_t lanes) {
    memset(to, 0, sizeof(f32xn));
    memcpy(to, from, (size_t)lanes * 4);
}

// a where the mask is all ones, b where it is 0. A macro, because passing vectors by value depends
// on the instruction set.
#define CHOOSE(mask, a, b) ((f32xn)(((i32xn)(a) & (mask)) | ((i32xn)(b) & ~(mask))))

#include "sigmoid.h"

BONN_INLINE void apply(const bonn_map_step *step, f32xn *v, const int pixels, ptrdiff_t pixel,
                       ptrdiff_t channel, ptrdiff_t stride, ptrdiff_t lanes) {
    f32xn first = {0}, second = {0};
    if (step->first) {
        load(&first, step->first + channel, lanes);
    }
    switch (step->operation) {
    case BONN_MAP_AFFINE:
        load(&second, step->second + channel, lanes);
        for (int i = 0; i < pixels; i++) {
            const f32xn scaled = v[i] * first;
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
            load(&second, step->operand + (pixel + i) * stride + channel, lanes);
            v[i] = v[i] + second;
        }
        break;
    case BONN_MAP_MULTIPLY:
        for (int i = 0; i < pixels; i++) {
            load(&second, step->operand + (pixel + i) * stride + channel, lanes);
            v[i] = v[i] * second;
        }
        break;
    case BONN_MAP_MULTIPLY_PIXELS:
        for (int i = 0; i < pixels; i++) {
            v[i] = v[i] * step->operand[pixel + i];
        }
        break;
    case BONN_MAP_PRELU:
        for (int i = 0; i < pixels; i++) {
            v[i] = CHOOSE(v[i] >= 0, v[i], first * v[i]);
        }
        break;
    case BONN_MAP_RELU:
        for (int i = 0; i < pixels; i++) {
            v[i] = CHOOSE(v[i] < 0, (f32xn){0}, v[i]);
        }
        break;
    case BONN_MAP_HARDTANH:
        for (int i = 0; i < pixels; i++) {
            const f32xn one = (f32xn){0} + 1;
            const f32xn bounded = CHOOSE(v[i] < -1, -one, v[i]);
            v[i] = CHOOSE(bounded > 1, one, bounded);
        }
        break;
    case BONN_MAP_SIGMOID: {
        // A copy, so that v has no address and stays in registers.
        f32xn values[PIXELS];
        for (int i = 0; i < pixels; i++) {
            values[i] = v[i];
        }
        sigmoid(values, pixels);
        for (int i = 0; i < pixels; i++) {
            v[i] = values[i];
        }
        break;
    }
    }
}

// Which bits of a pixel's vector the comparison decides, and what the others are.
typedef struct {
    uint16_t keep, forced;
} masks;

BONN_INLINE masks load_masks(const bonn_threshold *t, ptrdiff_t channel, ptrdiff_t lanes) {
    masks m = {0, 0};
    memcpy(&m.keep, t->keep + channel / 8, (size_t)(lanes + 7) / 8);
    memcpy(&m.forced, t->forced + channel / 8, (size_t)(lanes + 7) / 8);
    return m;
}

// The low bits of a pixel's vector; bit 0 of byte 0 is the first lane's.
BONN_INLINE void store_bits(uint8_t *to, uint32_t low, masks m, ptrdiff_t lanes) {
    const uint16_t bits = (uint16_t)((low & m.keep) | m.forced);
    memcpy(to, &bits, (size_t)(lanes + 7) / 8);
}

// The low bits of `pixels` values.
BONN_INLINE void compare_f32(const bonn_threshold *t, const f32xn *v, const int pixels,
                             ptrdiff_t channel, ptrdiff_t lanes, uint8_t *bits, ptrdiff_t stride) {
    f32xn threshold;
    i32xn flip;
    load(&threshold, (const float *)t->values + channel, lanes);
    load(&flip, t->flip + channel, lanes);
    const masks m = load_masks(t, channel, lanes);
    for (int i = 0; i < pixels; i++) {
        const i32xn high = (f32xn)((i32xn)v[i] ^ flip) >= threshold;
        store_bits(bits + i * stride + channel / 8, BONN_SIGN_BITS(~high), m, lanes);
    }
}

BONN_INLINE void compare_i32(const bonn_threshold *t, const i32xn *v, const int pixels,
                             ptrdiff_t channel, ptrdiff_t lanes, uint8_t *bits, ptrdiff_t stride) {
    i32xn threshold, flip;
    load(&threshold, (const int32_t *)t->values + channel, lanes);
    load(&flip, t->flip + channel, lanes);
    const masks m = load_masks(t, channel, lanes);
    for (int i = 0; i < pixels; i++) {
        const i32xn low = (v[i] ^ flip) < threshold;
        store_bits(bits + i * stride + channel / 8, BONN_SIGN_BITS(low), m, lanes);
    }
}

// One tile; `pixels`, `integers` and, but for the last channels, `lanes` are constants where
// inlined.
BONN_INLINE void map_tile(const bonn_map *p, const void *x, ptrdiff_t x_stride, float *y,
                          ptrdiff_t y_stride, uint8_t *bits, ptrdiff_t bits_stride, ptrdiff_t pixel,
                          ptrdiff_t channel, const int pixels, const int integers,
                          ptrdiff_t lanes) {
    const char *from = (const char *)x + (pixel * x_stride + channel) * 4;
    f32xn v[PIXELS];
    for (int i = 0; i < pixels; i++) {
        load(&v[i], from + i * x_stride * 4, lanes);
    }
    if (integers) {
        if (p->count == 0) {
            i32xn sums[PIXELS];
            for (int i = 0; i < pixels; i++) {
                sums[i] = (i32xn)v[i];
            }
            compare_i32(p->threshold, sums, pixels, channel, lanes, bits + pixel * bits_stride,
                        bits_stride);
            return;
        }
        for (int i = 0; i < pixels; i++) {
            v[i] = __builtin_convertvector((i32xn)v[i], f32xn);
        }
    }
    for (ptrdiff_t step = 0; step < p->count; step++) {
        apply(p->steps + step, v, pixels, pixel, channel, y_stride, lanes);
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
    for (; channel + LANES <= p->channels; channel += LANES) {
        map_tile(p, x, x_stride, y, y_stride, bits, bits_stride, pixel, channel, pixels, integers,
                 LANES);
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
    for (; pixel + PIXELS <= pixels; pixel += PIXELS) {
        map_pixels(p, x, x_stride, y, y_stride, bits, bits_stride, pixel, PIXELS, integers);
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
