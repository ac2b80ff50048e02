// Element-wise real operations, one IEEE operation after the other, never contracted.
//
// An output may be the input itself: element i is read before it is written and no other element
// of the output depends on it, which is what `assume_safety` tells the vectoriser.
#include "../kernels.h"
#include <string.h>

#pragma STDC FP_CONTRACT OFF

// On a processor without vectors there is nothing to warn about.
#pragma clang diagnostic ignored "-Wpass-failed"
#define BONN_VECTORISE _Pragma("clang loop vectorize(assume_safety)")

void bonn_affine_f32_u1__scalar(const float *x, const float *scale, const float *shift, float *y,
                                ptrdiff_t pixels, ptrdiff_t channels, ptrdiff_t stride) {
    for (ptrdiff_t i = 0; i < pixels; i++, x += stride, y += stride) {
        if (shift) {
            BONN_VECTORISE
            for (ptrdiff_t c = 0; c < channels; c++) {
                const float scaled = x[c] * scale[c];
                y[c] = scaled + shift[c];
            }
        } else {
            BONN_VECTORISE
            for (ptrdiff_t c = 0; c < channels; c++) {
                y[c] = x[c] * scale[c];
            }
        }
    }
}

void bonn_affine_i32f32_u1__scalar(const int32_t *x, const float *scale, const float *shift,
                                   float *y, ptrdiff_t pixels, ptrdiff_t channels,
                                   ptrdiff_t stride) {
    // The same memory may hold the integers before and the real values after, so the results pass
    // through bytes that may alias both.
    typedef float __attribute__((may_alias)) aliasing_float;
    aliasing_float *out = y;
    for (ptrdiff_t i = 0; i < pixels; i++, x += stride, out += stride) {
        if (shift) {
            BONN_VECTORISE
            for (ptrdiff_t c = 0; c < channels; c++) {
                const float scaled = (float)x[c] * scale[c];
                out[c] = scaled + shift[c];
            }
        } else {
            BONN_VECTORISE
            for (ptrdiff_t c = 0; c < channels; c++) {
                out[c] = (float)x[c] * scale[c];
            }
        }
    }
}

// a where the mask is all ones, b where it is 0. Written with masks because the compiler turns
// `condition ? a : b` into a branch around the loads of the slopes.
static inline float choose(uint32_t mask, float a, float b) {
    uint32_t a_bits, b_bits;
    memcpy(&a_bits, &a, sizeof a);
    memcpy(&b_bits, &b, sizeof b);
    a_bits = (a_bits & mask) | (b_bits & ~mask);
    memcpy(&a, &a_bits, sizeof a);
    return a;
}

void bonn_prelu_f32_u1__scalar(const float *x, const float *slope, float *y, ptrdiff_t pixels,
                               ptrdiff_t channels) {
    for (ptrdiff_t i = 0; i < pixels; i++, x += channels, y += channels) {
        BONN_VECTORISE
        for (ptrdiff_t c = 0; c < channels; c++) {
            const float sloped = slope[c] * x[c];
            y[c] = choose(0u - (x[c] >= 0), x[c], sloped);
        }
    }
}

// A NaN stays a NaN.
void bonn_relu_f32_u1__scalar(const float *x, float *y, ptrdiff_t count) {
    BONN_VECTORISE
    for (ptrdiff_t i = 0; i < count; i++) {
        y[i] = x[i] < 0 ? 0 : x[i];
    }
}

// A NaN stays a NaN.
void bonn_hardtanh_f32_u1__scalar(const float *x, float *y, ptrdiff_t count) {
    BONN_VECTORISE
    for (ptrdiff_t i = 0; i < count; i++) {
        const float bounded = x[i] < -1 ? -1 : x[i];
        y[i] = bounded > 1 ? 1 : bounded;
    }
}

void bonn_add_f32_u1__scalar(const float *a, const float *b, float *y, ptrdiff_t count) {
    BONN_VECTORISE
    for (ptrdiff_t i = 0; i < count; i++) {
        y[i] = a[i] + b[i];
    }
}
