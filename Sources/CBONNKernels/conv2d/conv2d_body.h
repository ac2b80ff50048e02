// Real convolution with float64 sums: the body that every kernel set compiles for itself.
//
//     y[k] = round_to_f32(bias[k] + sum over taps and channels of x * w)
//
// A product of two float32 values is exact in float64 (48 bits of significand, and the exponents
// fit), so fusing the multiplication with the addition changes no bit: that is why contraction is
// on here and nowhere else. The order of the sum is bias, kernel row, kernel column, channel.
//
// The input rows under one output row are first widened into `scratch` as
// [kernel row][padded column][channel], zeros in the padding; the inner loops then see no border.
//
// Include after defining BONN_CONV2D, the name of the function.
#include "../window.h"
#include <string.h>

#pragma STDC FP_CONTRACT ON

typedef float f32x8 __attribute__((vector_size(32)));
typedef double f64x8 __attribute__((vector_size(64)));

static inline __attribute__((always_inline)) void load_wide(f64x8 *to, const float *from) {
    f32x8 narrow;
    memcpy(&narrow, from, sizeof narrow);
    *to = __builtin_convertvector(narrow, f64x8);
}

static void widen_rows(const bonn_conv2d *p, const float *image, ptrdiff_t origin,
                       double *scratch) {
    const bonn_window *w = &p->window;
    const ptrdiff_t channels = p->groups * p->in_channels;
    const ptrdiff_t pixels = bonn_conv2d_row_pixels(w);
    // Columns [begin, end) of the padded row come from the image.
    const ptrdiff_t begin = w->pad_left < pixels ? w->pad_left : pixels;
    const ptrdiff_t reach = w->pad_left + w->in_width;
    const ptrdiff_t end = reach < pixels ? reach : pixels;
    for (ptrdiff_t tap = 0; tap < w->kernel_height; tap++, scratch += pixels * channels) {
        const ptrdiff_t y = origin + tap * w->dilation_height;
        if (y < 0 || y >= w->in_height) {
            memset(scratch, 0, (size_t)(pixels * channels) * sizeof(double));
            continue;
        }
        const float *row = image + y * w->in_width * channels;
        memset(scratch, 0, (size_t)(begin * channels) * sizeof(double));
        double *inside = scratch + begin * channels;
        for (ptrdiff_t i = 0; i < (end - begin) * channels; i++) {
            inside[i] = (double)row[i];
        }
        memset(scratch + end * channels, 0, (size_t)((pixels - end) * channels) * sizeof(double));
    }
}

// `count` neighbouring outputs and one block of output channels; `count` is a constant where
// inlined.
static inline __attribute__((always_inline)) void
compute_outputs(const bonn_conv2d *p, const double *x, const float *weights, const float *bias,
                float *y, ptrdiff_t valid, const int count) {
    const bonn_window *w = &p->window;
    const ptrdiff_t channels = p->groups * p->in_channels;
    const ptrdiff_t row = bonn_conv2d_row_pixels(w) * channels;
    const ptrdiff_t step = w->stride_width * channels;
    f64x8 sums[4];
    for (int i = 0; i < count; i++) {
        load_wide(&sums[i], bias);
    }
    for (ptrdiff_t ky = 0; ky < w->kernel_height; ky++) {
        for (ptrdiff_t kx = 0; kx < w->kernel_width; kx++) {
            const double *tap = x + ky * row + kx * w->dilation_width * channels;
            for (ptrdiff_t c = 0; c < p->in_channels; c++, weights += BONN_BLOCK) {
                f64x8 weight;
                load_wide(&weight, weights);
                for (int i = 0; i < count; i++) {
                    sums[i] += tap[i * step + c] * weight;
                }
            }
        }
    }
    for (int i = 0; i < count; i++) {
        const f32x8 rounded = __builtin_convertvector(sums[i], f32x8);
        float *output = y + i * p->groups * p->out_channels;
        if (valid == BONN_BLOCK) {
            memcpy(output, &rounded, sizeof rounded);
        } else {
            memcpy(output, &rounded, (size_t)valid * sizeof(float));
        }
    }
}

void BONN_CONV2D(const bonn_conv2d *p, const float *x, float *y, bonn_range rows, bonn_range blocks,
                 double *scratch) {
    const bonn_window *w = &p->window;
    const ptrdiff_t in_channels = p->groups * p->in_channels;
    const ptrdiff_t out_channels = p->groups * p->out_channels;
    const ptrdiff_t block_weights =
        w->kernel_height * w->kernel_width * p->in_channels * BONN_BLOCK;
    for (ptrdiff_t r = rows.begin; r < rows.end; r++) {
        const bonn_output_row place = bonn_locate_row(w, r);
        widen_rows(p, x + place.image * w->in_height * w->in_width * in_channels, place.origin,
                   scratch);
        for (ptrdiff_t block = blocks.begin; block < blocks.end; block++) {
            const ptrdiff_t group = block / p->blocks;
            const ptrdiff_t first = (block % p->blocks) * BONN_BLOCK;
            const ptrdiff_t left = p->out_channels - first;
            const ptrdiff_t valid = left < BONN_BLOCK ? left : BONN_BLOCK;
            const float *weights = p->weights + block * block_weights;
            const float *bias = p->bias + block * BONN_BLOCK;
            const double *taps = scratch + group * p->in_channels;
            float *output = y + r * w->out_width * out_channels + group * p->out_channels + first;
            ptrdiff_t i = 0;
            for (; i + 4 <= w->out_width; i += 4) {
                compute_outputs(p, taps + i * w->stride_width * in_channels, weights, bias,
                                output + i * out_channels, valid, 4);
            }
            for (; i < w->out_width; i++) {
                compute_outputs(p, taps + i * w->stride_width * in_channels, weights, bias,
                                output + i * out_channels, valid, 1);
            }
        }
    }
}
