/* Sums of products: convolutions and fully connected layers (see bonn_arithmetic.h). */
#ifndef BONN_LAYERS_H
#define BONN_LAYERS_H

#include "bonn_arithmetic.h"

/* ---- Convolutions and fully connected layers of real numbers ---- */

enum { BONN_FLOATS, BONN_BYTES, BONN_SIGNS };

/* y = bias + sum of x * w over kernel rows, kernel columns, channels; +0 in the padding.
 * Weights are [outputs, kernel_height, kernel_width, channels of a group]: floats; signed bytes
 * times scale[k]; or signs, 32 to a word, of scale[k * step]. */
BONN_INLINE void bonn_chain(const bonn_layer *l, const void *x, int x_kind, const void *weight,
                            int kind, const float *scale, int step, const float *bias,
                            bonn_f32 *y) {
    const int group = l->channels / l->groups;
    const int outputs = l->outputs / l->groups;
    const int row = kind == BONN_SIGNS ? bonn_words(group) : group;
    int p, q, k, i, j, c;
    for (p = 0; p < l->out_height; p++) {
        for (q = 0; q < l->out_width; q++) {
            for (k = 0; k < l->outputs; k++) {
                const float s = scale ? scale[k * step] : 1.0f;
                const size_t first = (size_t)(k / outputs) * (size_t)group;
                size_t tap = (size_t)k * (size_t)(l->kernel_height * l->kernel_width) * (size_t)row;
                float sum = bias ? bias[k] : 0.0f;
                for (i = 0; i < l->kernel_height; i++) {
                    for (j = 0; j < l->kernel_width; j++, tap += (size_t)row) {
                        int pixel;
                        const int inside = bonn_tap(l, p, q, i, j, &pixel);
                        const size_t at = inside ? (size_t)pixel * (size_t)l->channels + first : 0;
                        for (c = 0; c < group; c++) {
                            float v = 0.0f, w;
                            if (inside) {
                                v = x_kind == BONN_BYTES
                                        ? (float)((const uint8_t *)x)[at + (size_t)c]
                                        : ((const bonn_f32 *)x)[at + (size_t)c];
                            }
                            if (kind == BONN_FLOATS) {
                                w = ((const float *)weight)[tap + (size_t)c];
                            } else if (kind == BONN_BYTES) {
                                w = bonn_product(s,
                                                 (float)((const int8_t *)weight)[tap + (size_t)c]);
                            } else {
                                const uint32_t word =
                                    ((const uint32_t *)weight)[tap + (size_t)(c / 32)];
                                w = (word >> (c % 32)) & 1u ? -s : s;
                            }
                            sum = bonn_fma(v, w, sum);
                        }
                    }
                }
                *y++ = sum;
            }
        }
    }
}

BONN_KERNEL void bonn_conv_f32_f32(const bonn_layer *l, const void *x, const float *weight,
                                   const float *bias, void *y) {
    bonn_chain(l, x, BONN_FLOATS, weight, BONN_FLOATS, NULL, 0, bias, (bonn_f32 *)y);
}

BONN_KERNEL void bonn_conv_f32_s8(const bonn_layer *l, const void *x, const int8_t *weight,
                                  const float *scale, const float *bias, void *y) {
    bonn_chain(l, x, BONN_FLOATS, weight, BONN_BYTES, scale, 1, bias, (bonn_f32 *)y);
}

BONN_KERNEL void bonn_conv_f32_signs(const bonn_layer *l, const void *x, const uint32_t *weight,
                                     const float *scale, int step, const float *bias, void *y) {
    bonn_chain(l, x, BONN_FLOATS, weight, BONN_SIGNS, scale, step, bias, (bonn_f32 *)y);
}

BONN_KERNEL void bonn_conv_u8_f32(const bonn_layer *l, const void *x, const float *weight,
                                  const float *bias, void *y) {
    bonn_chain(l, x, BONN_BYTES, weight, BONN_FLOATS, NULL, 0, bias, (bonn_f32 *)y);
}

BONN_KERNEL void bonn_conv_u8_s8(const bonn_layer *l, const void *x, const int8_t *weight,
                                 const float *scale, const float *bias, void *y) {
    bonn_chain(l, x, BONN_BYTES, weight, BONN_BYTES, scale, 1, bias, (bonn_f32 *)y);
}

BONN_KERNEL void bonn_conv_u8_signs(const bonn_layer *l, const void *x, const uint32_t *weight,
                                    const float *scale, int step, const float *bias, void *y) {
    bonn_chain(l, x, BONN_BYTES, weight, BONN_SIGNS, scale, step, bias, (bonn_f32 *)y);
}

/* Signed bytes times signed bytes: an exact sum, times scale[k], plus bias[k]. */
BONN_KERNEL void bonn_conv_s8_s8(const bonn_layer *l, const void *x, const int8_t *weight,
                                 const float *scale, const float *bias, void *y) {
    const int8_t *from = (const int8_t *)x;
    bonn_f32 *to = (bonn_f32 *)y;
    const int group = l->channels / l->groups;
    const int outputs = l->outputs / l->groups;
    int p, q, k, i, j, c;
    for (p = 0; p < l->out_height; p++) {
        for (q = 0; q < l->out_width; q++) {
            const int8_t *w = weight;
            for (k = 0; k < l->outputs; k++) {
                int32_t sum = 0;
                float scaled;
                for (i = 0; i < l->kernel_height; i++) {
                    for (j = 0; j < l->kernel_width; j++, w += group) {
                        int pixel;
                        if (bonn_tap(l, p, q, i, j, &pixel)) {
                            const int8_t *v = from + (size_t)pixel * (size_t)l->channels +
                                              (size_t)(k / outputs) * (size_t)group;
                            for (c = 0; c < group; c++) {
                                sum += (int32_t)v[c] * w[c];
                            }
                        }
                    }
                }
                scaled = bonn_product((float)sum, scale[k]);
                *to++ = bias ? bonn_sum(scaled, bias[k]) : scaled;
            }
        }
    }
}

/* ---- Binary convolutions and fully connected layers ---- */

/* Word i of the channels from `first` on. */
BONN_INLINE uint32_t bonn_group_word(const bonn_u32 *pixel, int first, int channels, int i) {
    const int bit = first + 32 * i;
    const int left = channels - 32 * i;
    const int shift = bit % 32;
    uint32_t word = pixel[bit / 32] >> shift;
    if (shift != 0 && left > 32 - shift) {
        word |= pixel[bit / 32 + 1] << (32 - shift);
    }
    return word & bonn_used(channels, i);
}

/* The taps [begin, end) of a window that lie in an input of `size`; tap i is at start + i * step.
 */
BONN_INLINE void bonn_span(int start, int step, int taps, int size, int *begin, int *end) {
    *begin = 0;
    *end = taps;
    while (*begin < *end && start + *begin * step < 0) {
        (*begin)++;
    }
    while (*end > *begin && start + (*end - 1) * step >= size) {
        (*end)--;
    }
}

/* The sum over the taps outside of the input, which holds +1 or -1 there. */
BONN_INLINE int32_t bonn_outside(const bonn_layer *l, const uint32_t *w, int words, int group,
                                 int top, int bottom, int left, int right) {
    int32_t sum = 0;
    int i, j, n;
    for (i = 0; i < l->kernel_height; i++) {
        for (j = 0; j < l->kernel_width; j++, w += words) {
            if (i < top || i >= bottom || j < left || j >= right) {
                sum += group;
                for (n = 0; n < words; n++) {
                    sum -= 2 * bonn_ones(w[n]);
                }
            }
        }
    }
    return sum;
}

/* Sums of products with weights -1 and +1. `border` is what the padding holds: 0, +1 or -1. Without
 * `scale` y is the integer sum; else fl(sum * scale[k * step]), plus bias[k] where there is one.
 * `split`: the channels of a group do not begin at a word. */
BONN_INLINE void bonn_count(const bonn_layer *l, const void *x, int is_unsigned, int split,
                            int border, const uint32_t *weight, const float *scale, int step,
                            const float *bias, void *y) {
    const int group = l->channels / l->groups;
    const int outputs = l->outputs / l->groups;
    const int words = bonn_words(group);
    const size_t pixel_words = (size_t)bonn_words(l->channels);
    const size_t kernel_words = (size_t)(l->kernel_height * l->kernel_width) * (size_t)words;
    int p, q, k, i, j, n, at = 0;
    for (p = 0; p < l->out_height; p++) {
        const int row = p * l->stride_height - l->top;
        int top, bottom;
        bonn_span(row, l->dilation_height, l->kernel_height, l->height, &top, &bottom);
        for (q = 0; q < l->out_width; q++) {
            const int column = q * l->stride_width - l->left;
            const uint32_t *kernel = weight;
            int left, right;
            bonn_span(column, l->dilation_width, l->kernel_width, l->width, &left, &right);
            for (k = 0; k < l->outputs; k++, at++, kernel += kernel_words) {
                const int first = k / outputs * group;
                int32_t sum = (bottom - top) * (right - left) * group;
                for (i = top; i < bottom; i++) {
                    const int pixels = (row + i * l->dilation_height) * l->width + column;
                    const uint32_t *w =
                        kernel + (size_t)(i * l->kernel_width + left) * (size_t)words;
                    for (j = left; j < right; j++) {
                        const bonn_u32 *v = (const bonn_u32 *)x +
                                            (size_t)(pixels + j * l->dilation_width) * pixel_words;
                        for (n = 0; n < words; n++) {
                            const uint32_t a =
                                split ? bonn_group_word(v, first, group, n) : v[first / 32 + n];
                            if (is_unsigned) {
                                sum -= bonn_ones(a) + 2 * bonn_ones(~a & *w++);
                            } else {
                                sum -= 2 * bonn_ones(a ^ *w++);
                            }
                        }
                    }
                }
                if (border != 0) {
                    sum += border * bonn_outside(l, kernel, words, group, top, bottom, left, right);
                }
                if (scale == NULL) {
                    ((bonn_i32 *)y)[at] = sum;
                } else {
                    const float scaled = bonn_product((float)sum, scale[k * step]);
                    ((bonn_f32 *)y)[at] = bias ? bonn_sum(scaled, bias[k]) : scaled;
                }
            }
        }
    }
}

BONN_KERNEL void bonn_binary_signed(const bonn_layer *l, const void *x, int border,
                                    const uint32_t *weight, const float *scale, int step,
                                    const float *bias, void *y) {
    bonn_count(l, x, 0, 0, border, weight, scale, step, bias, y);
}

BONN_KERNEL void bonn_binary_unsigned(const bonn_layer *l, const void *x, int border,
                                      const uint32_t *weight, const float *scale, int step,
                                      const float *bias, void *y) {
    bonn_count(l, x, 1, 0, border, weight, scale, step, bias, y);
}

BONN_KERNEL void bonn_binary_signed_split(const bonn_layer *l, const void *x, int border,
                                          const uint32_t *weight, const float *scale, int step,
                                          const float *bias, void *y) {
    bonn_count(l, x, 0, 1, border, weight, scale, step, bias, y);
}

BONN_KERNEL void bonn_binary_unsigned_split(const bonn_layer *l, const void *x, int border,
                                            const uint32_t *weight, const float *scale, int step,
                                            const float *bias, void *y) {
    bonn_count(l, x, 1, 1, border, weight, scale, step, bias, y);
}

#endif
