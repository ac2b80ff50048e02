/* Everything that sums no products: conversions, pooling, single elements, their order (see
 * bonn_arithmetic.h). */
#ifndef BONN_ELEMENTS_H
#define BONN_ELEMENTS_H

#include "bonn_arithmetic.h"

/* ---- To other element types ---- */

/* Bits of comparisons with a threshold a channel. Direction 1: high where x >= threshold; -1: high
 * where x <= threshold; 0: high where threshold >= 0. Without directions all are 1. */
#define BONN_DEFINE_THRESHOLD(name, element, number)                                               \
    BONN_KERNEL void name(const void *x, int pixels, int channels, const number *threshold,        \
                          const int8_t *direction, void *y) {                                      \
        const element *from = (const element *)x;                                                  \
        bonn_u32 *to = (bonn_u32 *)y;                                                              \
        int p, c;                                                                                  \
        for (p = 0; p < pixels; p++) {                                                             \
            uint32_t word = 0;                                                                     \
            for (c = 0; c < channels; c++) {                                                       \
                const number v = (number)*from++;                                                  \
                const number t = threshold[c];                                                     \
                const int way = direction ? direction[c] : 1;                                      \
                const int high = way > 0 ? v >= t : way < 0 ? v <= t : t >= 0;                     \
                word |= (uint32_t)(high ? 0 : 1) << (c % 32);                                      \
                if (c % 32 == 31 || c == channels - 1) {                                           \
                    *to++ = word;                                                                  \
                    word = 0;                                                                      \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

BONN_DEFINE_THRESHOLD(bonn_threshold_f32, bonn_f32, float)
BONN_DEFINE_THRESHOLD(bonn_threshold_i32, bonn_i32, int32_t)
BONN_DEFINE_THRESHOLD(bonn_threshold_u8, uint8_t, float)

/* The integer nearest to x * rate, ties to even, within -127 to 127; -127 for a NaN. */
BONN_KERNEL void bonn_quantize(const void *x, int count, float rate, void *y) {
    const bonn_f32 *from = (const bonn_f32 *)x;
    int8_t *to = (int8_t *)y;
    int i;
    for (i = 0; i < count; i++) {
        float v = bonn_product(from[i], rate);
        v = v > -127.0f ? v : -127.0f;
        v = v < 127.0f ? v : 127.0f;
        /* Added to a number of at most 2^22, it rounds it to an integer, ties to even. */
        v = bonn_sum(v, 0x1.8p23f);
        to[i] = (int8_t)bonn_sum(v, -0x1.8p23f);
    }
}

/* What 8-bit pixels become: factor[c] * pixel + offset[c], two roundings. */
BONN_KERNEL void bonn_normalize(const uint8_t *pixels, int count, int channels, const float *factor,
                                const float *offset, void *y) {
    bonn_f32 *to = (bonn_f32 *)y;
    int p, c;
    for (p = 0; p < count; p++) {
        for (c = 0; c < channels; c++) {
            *to++ = bonn_sum(bonn_product((float)*pixels++, factor[c]), offset[c]);
        }
    }
}

/* ---- Pooling ---- */

/* The largest element; of equal ones (+0 and -0) the first. A NaN is the largest. */
BONN_KERNEL void bonn_max_f32(const bonn_layer *l, const void *x, void *y) {
    const bonn_f32 *from = (const bonn_f32 *)x;
    bonn_f32 *to = (bonn_f32 *)y;
    int p, q, c, i, j;
    for (p = 0; p < l->out_height; p++) {
        for (q = 0; q < l->out_width; q++) {
            for (c = 0; c < l->channels; c++) {
                float largest = -BONN_INFINITY;
                for (i = 0; i < l->kernel_height; i++) {
                    for (j = 0; j < l->kernel_width; j++) {
                        int pixel;
                        if (bonn_tap(l, p, q, i, j, &pixel)) {
                            const float v = from[(size_t)pixel * (size_t)l->channels + (size_t)c];
                            if (!(v <= largest || largest != largest)) {
                                largest = v;
                            }
                        }
                    }
                }
                *to++ = largest;
            }
        }
    }
}

/* High where any element of the window is high. */
BONN_KERNEL void bonn_max_bits(const bonn_layer *l, const void *x, void *y) {
    const bonn_u32 *from = (const bonn_u32 *)x;
    bonn_u32 *to = (bonn_u32 *)y;
    const int words = bonn_words(l->channels);
    int p, q, n, i, j;
    for (p = 0; p < l->out_height; p++) {
        for (q = 0; q < l->out_width; q++) {
            for (n = 0; n < words; n++) {
                uint32_t low = bonn_used(l->channels, n);
                for (i = 0; i < l->kernel_height; i++) {
                    for (j = 0; j < l->kernel_width; j++) {
                        int pixel;
                        if (bonn_tap(l, p, q, i, j, &pixel)) {
                            low &= from[(size_t)pixel * (size_t)words + (size_t)n];
                        }
                    }
                }
                *to++ = low;
            }
        }
    }
}

/* The mean of the window's elements in double, rounded once; `padding`: the divisor counts the
 * padding. */
BONN_KERNEL void bonn_average(const bonn_layer *l, const void *x, int padding, void *y) {
    const bonn_f32 *from = (const bonn_f32 *)x;
    bonn_f32 *to = (bonn_f32 *)y;
    int p, q, c, i, j;
    for (p = 0; p < l->out_height; p++) {
        for (q = 0; q < l->out_width; q++) {
            for (c = 0; c < l->channels; c++) {
                double sum = 0;
                int count = 0;
                for (i = 0; i < l->kernel_height; i++) {
                    for (j = 0; j < l->kernel_width; j++) {
                        int pixel;
                        if (bonn_tap(l, p, q, i, j, &pixel)) {
                            sum += (double)from[(size_t)pixel * (size_t)l->channels + (size_t)c];
                            count++;
                        }
                    }
                }
                if (padding) {
                    count = l->kernel_height * l->kernel_width;
                }
                *to++ = (float)(sum / (double)count);
            }
        }
    }
}

/* ---- Each element by itself; y may be x ---- */

BONN_INLINE void bonn_affine(const void *x, int is_integer, int pixels, int channels,
                             const float *scale, const float *shift, bonn_f32 *y) {
    int p, c;
    size_t i = 0;
    for (p = 0; p < pixels; p++) {
        for (c = 0; c < channels; c++, i++) {
            const float v = is_integer ? (float)((const bonn_i32 *)x)[i] : ((const bonn_f32 *)x)[i];
            y[i] = bonn_sum(bonn_product(v, scale[c]), shift[c]);
        }
    }
}

BONN_KERNEL void bonn_batch_norm_f32(const void *x, int pixels, int channels, const float *scale,
                                     const float *shift, void *y) {
    bonn_affine(x, 0, pixels, channels, scale, shift, (bonn_f32 *)y);
}

BONN_KERNEL void bonn_batch_norm_i32(const void *x, int pixels, int channels, const float *scale,
                                     const float *shift, void *y) {
    bonn_affine(x, 1, pixels, channels, scale, shift, (bonn_f32 *)y);
}

BONN_KERNEL void bonn_relu(const void *x, int count, void *y) {
    const bonn_f32 *from = (const bonn_f32 *)x;
    int i;
    for (i = 0; i < count; i++) {
        const float v = from[i];
        ((bonn_f32 *)y)[i] = v < 0 ? 0.0f : v;
    }
}

/* slope[c * step] times what is below 0. */
BONN_KERNEL void bonn_prelu(const void *x, int pixels, int channels, const float *slope, int step,
                            void *y) {
    const bonn_f32 *from = (const bonn_f32 *)x;
    bonn_f32 *to = (bonn_f32 *)y;
    int p, c;
    for (p = 0; p < pixels; p++) {
        for (c = 0; c < channels; c++) {
            const float v = *from++;
            *to++ = v >= 0 ? v : bonn_product(slope[c * step], v);
        }
    }
}

BONN_KERNEL void bonn_hardtanh(const void *x, int count, void *y) {
    const bonn_f32 *from = (const bonn_f32 *)x;
    int i;
    for (i = 0; i < count; i++) {
        const float v = from[i];
        ((bonn_f32 *)y)[i] = v < -1 ? -1.0f : v > 1 ? 1.0f : v;
    }
}

/* 1 / (1 + exp(-x)) in double, operation by operation as model-format.md says, rounded once. */
BONN_KERNEL void bonn_sigmoid(const void *x, int count, void *y) {
    /* 1/n!, from n = 10 on downwards. */
    static const double series[11] = {0x1.27e4fb7789f5cp-22,
                                      0x1.71de3a556c734p-19,
                                      0x1.a01a01a01a01ap-16,
                                      0x1.a01a01a01a01ap-13,
                                      0x1.6c16c16c16c17p-10,
                                      0x1.1111111111111p-7,
                                      0x1.5555555555555p-5,
                                      0x1.5555555555555p-3,
                                      0x1p-1,
                                      1.0,
                                      1.0};
    const bonn_f32 *from = (const bonn_f32 *)x;
    int i, n;
    for (i = 0; i < count; i++) {
        const double v = (double)from[i];
        double t = v < 0 ? v : -v;
        double power, product, rounded, r, e = series[0];
        uint64_t bits;
        if (v != v) {
            ((bonn_f32 *)y)[i] = from[i];
            continue;
        }
        t = t < -128 ? -128 : t;
        product = t * 0x1.71547652b82fep+0;
        /* Added to a number of at most 2^51, it rounds it to an integer, ties to even. */
        rounded = product + 0x1.8p52;
        rounded = rounded - 0x1.8p52;
        product = rounded * 0x1.62e42fefa39efp-1;
        r = t - product;
        for (n = 1; n < 11; n++) {
            product = e * r;
            e = product + series[n];
        }
        bits = (uint64_t)(1023 + (int)rounded) << 52;
        memcpy(&power, &bits, sizeof power);
        e = e * power;
        ((bonn_f32 *)y)[i] = (float)((v >= 0 ? 1.0 : e) / (1.0 + e));
    }
}

/* y may be a or b. */
BONN_KERNEL void bonn_add(const void *a, const void *b, int count, void *y) {
    int i;
    for (i = 0; i < count; i++) {
        ((bonn_f32 *)y)[i] = bonn_sum(((const bonn_f32 *)a)[i], ((const bonn_f32 *)b)[i]);
    }
}

/* a times a factor: b[p * pixel_step + c * channel_step] of channel c of pixel p. y may be a. */
BONN_KERNEL void bonn_multiply(const void *a, const void *b, int pixels, int channels,
                               int pixel_step, int channel_step, void *y) {
    const bonn_f32 *from = (const bonn_f32 *)a;
    bonn_f32 *to = (bonn_f32 *)y;
    int p, c;
    for (p = 0; p < pixels; p++) {
        const bonn_f32 *factor = (const bonn_f32 *)b + (size_t)p * (size_t)pixel_step;
        for (c = 0; c < channels; c++) {
            *to++ = bonn_product(*from++, factor[(size_t)c * (size_t)channel_step]);
        }
    }
}

/* ---- Other orders of elements ---- */

/* Pixels of `channels` elements of `size` bytes to channel `first` of pixels of `all` channels. */
BONN_KERNEL void bonn_join(const void *x, int pixels, int channels, int size, void *y, int all,
                           int first) {
    const size_t run = (size_t)channels * (size_t)size;
    int p;
    for (p = 0; p < pixels; p++) {
        memcpy((char *)y + ((size_t)p * (size_t)all + (size_t)first) * (size_t)size,
               (const char *)x + (size_t)p * run, run);
    }
}

/* The same of bits; the first part (first == 0) empties the words of the others. */
BONN_KERNEL void bonn_join_bits(const void *x, int pixels, int channels, void *y, int all,
                                int first) {
    const int words = bonn_words(channels);
    const int all_words = bonn_words(all);
    const int shift = first % 32;
    int p, n;
    for (p = 0; p < pixels; p++) {
        const bonn_u32 *from = (const bonn_u32 *)x + (size_t)p * (size_t)words;
        bonn_u32 *to = (bonn_u32 *)y + (size_t)p * (size_t)all_words;
        if (first == 0) {
            for (n = 0; n < all_words; n++) {
                to[n] = 0;
            }
        }
        to += first / 32;
        for (n = 0; n < words; n++) {
            const uint32_t word = from[n];
            to[n] |= word << shift;
            if (shift != 0 && (word >> (32 - shift)) != 0) {
                to[n + 1] |= word >> (32 - shift);
            }
        }
    }
}

/* Elements of `size` bytes from H x W x C to C x H x W. */
BONN_KERNEL void bonn_flatten(const void *x, int pixels, int channels, int size, void *y) {
    int p, c;
    for (p = 0; p < pixels; p++) {
        for (c = 0; c < channels; c++) {
            memcpy((char *)y + ((size_t)c * (size_t)pixels + (size_t)p) * (size_t)size,
                   (const char *)x + ((size_t)p * (size_t)channels + (size_t)c) * (size_t)size,
                   (size_t)size);
        }
    }
}

BONN_KERNEL void bonn_flatten_bits(const void *x, int pixels, int channels, void *y) {
    const bonn_u32 *from = (const bonn_u32 *)x;
    bonn_u32 *to = (bonn_u32 *)y;
    const size_t words = (size_t)bonn_words(channels);
    int p, c, at = 0;
    for (c = 0; c < channels; c++) {
        for (p = 0; p < pixels; p++, at++) {
            const uint32_t bit = (from[(size_t)p * words + (size_t)(c / 32)] >> (c % 32)) & 1u;
            if (at % 32 == 0) {
                to[at / 32] = 0;
            }
            to[at / 32] |= bit << (at % 32);
        }
    }
}

/* The place of the largest logit, of equal ones the first. */
BONN_KERNEL int bonn_largest_f32(const float *logits, int count) {
    int best = 0, i;
    for (i = 1; i < count; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}

BONN_KERNEL int bonn_largest_i32(const int32_t *logits, int count) {
    int best = 0, i;
    for (i = 1; i < count; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}

#endif
