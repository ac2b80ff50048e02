// The elements of a real convolution, for conv2d_body.h:
//
//     acc = bias[k];  for every kernel row, kernel column, channel: acc = fma(x, w, acc)
//
// in this order, every step rounded to float32; in the padding x is +0.
//
// Include after defining BONN_CONV, BONN_CONV_PIXELS, BONN_CONV_BLOCKS and BONN_HAS_FMA.
#include "../fma.h"
#include "../kernels.h"
#include "../loops.h"
#include <string.h>

typedef bonn_conv2d conv_problem;
typedef float conv_source, conv_input, conv_weight;
typedef bonn_f32x16 conv_sums, conv_weights;

enum { CONV_STEP = 1, CONV_HEAD = 0 };

#define CONV_IN_PLACE bonn_conv2d_reads_in_place

BONN_INLINE ptrdiff_t conv_block_weights(const bonn_conv2d *p) {
    return p->window.kernel_height * p->window.kernel_width * p->in_channels * BONN_REAL_BLOCK;
}

BONN_INLINE void conv_fill(float *to, ptrdiff_t n) {
    memset(to, 0, (size_t)n * sizeof *to);
}

BONN_INLINE void conv_copy(float *to, const float *from, ptrdiff_t n) {
    memcpy(to, from, (size_t)n * sizeof *to);
}

BONN_INLINE void conv_start(const bonn_conv2d *p, ptrdiff_t block, const float *head,
                            bonn_f32x16 *sums) {
    (void)head;
    memcpy(sums, p->bias + block * BONN_REAL_BLOCK, sizeof *sums);
}

BONN_INLINE void conv_load(bonn_f32x16 *weights, const float *from) {
    memcpy(weights, from, sizeof *weights);
}

BONN_INLINE void conv_multiply(bonn_f32x16 *sums, const float *x, const bonn_f32x16 *weights) {
    const bonn_f32x16 value = *x;
    bonn_fma_16(sums, &value, weights);
}

BONN_INLINE void conv_finish(const bonn_conv2d *p, ptrdiff_t block, const bonn_f32x16 *sums,
                             bonn_f32x16 *values) {
    (void)p;
    (void)block;
    *values = *sums;
}

#include "conv2d_body.h"
