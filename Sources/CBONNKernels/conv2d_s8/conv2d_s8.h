// What the convolutions of signed bytes have in common:
//
//     y[k] = fl(fl(fl(sum over taps and channels of x * w) * scale[k]) + bias[k])
//
// with exact sums. A step of an inner loop multiplies 2 or 4 neighbouring inputs of a run by the
// weights of 16 output channels, whichever the instructions of a set do at once. The last step of a
// run whose length is no multiple of that reads what follows in the row, at weights of 0.
#ifndef BONN_CONV2D_S8_H
#define BONN_CONV2D_S8_H

#include "../kernels.h"
#include "../loops.h"
#include <string.h>

typedef float bonn_f32x16 __attribute__((ext_vector_type(16)));
typedef int32_t bonn_i32x16 __attribute__((ext_vector_type(16)));
typedef int16_t bonn_i16x32 __attribute__((ext_vector_type(32)));
typedef int8_t bonn_i8x32 __attribute__((ext_vector_type(32)));

typedef bonn_conv2d_s8 conv_problem;
typedef int8_t conv_source, conv_weight;
typedef bonn_i32x16 conv_sums;

// The image is always copied: its elements are converted.
#define CONV_IN_PLACE(window) ((void)(window), 0)

// Weights of one block.
BONN_INLINE ptrdiff_t bonn_s8_block_weights(const bonn_conv2d_s8 *p, ptrdiff_t step) {
    const ptrdiff_t run = bonn_conv2d_run(&p->window, p->groups, p->in_channels);
    const ptrdiff_t runs = p->window.kernel_height * p->window.kernel_width * p->in_channels / run;
    return runs * ((run + step - 1) / step) * step * BONN_REAL_BLOCK;
}

// Writes [group][block][kernel row][run][step of the run][BONN_REAL_BLOCK][step], absent weights 0,
// with `head` bytes in front of every block, and returns the size.
BONN_INLINE ptrdiff_t bonn_s8_pack(const bonn_conv2d_s8 *p, const int8_t *weights, int8_t *packed,
                                   const ptrdiff_t step, ptrdiff_t head) {
    const ptrdiff_t block_bytes = head + bonn_s8_block_weights(p, step);
    const ptrdiff_t bytes = p->groups * p->blocks * block_bytes;
    if (!packed) {
        return bytes;
    }
    memset(packed, 0, (size_t)bytes);
    const ptrdiff_t run = bonn_conv2d_run(&p->window, p->groups, p->in_channels);
    const ptrdiff_t run_steps = (run + step - 1) / step;
    const ptrdiff_t taps = p->window.kernel_height * p->window.kernel_width;
    for (ptrdiff_t k = 0; k < p->groups * p->out_channels; k++) {
        const ptrdiff_t channel = k % p->out_channels;
        const ptrdiff_t block = k / p->out_channels * p->blocks + channel / BONN_REAL_BLOCK;
        int8_t *lane = packed + block * block_bytes + head + channel % BONN_REAL_BLOCK * step;
        for (ptrdiff_t c = 0; c < p->in_channels; c++) {
            for (ptrdiff_t tap = 0; tap < taps; tap++) {
                const ptrdiff_t i = tap * p->in_channels + c;
                const ptrdiff_t place = i / run * run_steps + i % run / step;
                lane[place * step * BONN_REAL_BLOCK + i % run % step] = *weights++;
            }
        }
    }
    return bytes;
}

BONN_INLINE void conv_finish(const bonn_conv2d_s8 *p, ptrdiff_t block, const bonn_i32x16 *sums,
                             bonn_f32x16 *values) {
#pragma STDC FP_CONTRACT OFF
    bonn_f32x16 scale, bias;
    memcpy(&scale, p->scale + block * BONN_REAL_BLOCK, sizeof scale);
    memcpy(&bias, p->bias + block * BONN_REAL_BLOCK, sizeof bias);
    const bonn_f32x16 scaled = __builtin_convertvector(*sums, bonn_f32x16) * scale;
    *values = scaled + bias;
}

#endif
