// The elements of a convolution of signed bytes, for conv2d_body.h, in pairs: inputs and weights
// are widened to 16 bits, since two such products always fit 32 bits.
//
// Include after conv2d_s8.h, after defining BONN_CONV, BONN_CONV_PIXELS and BONN_CONV_BLOCKS, and
// bonn_dot, which adds to 16 sums the products of one pair of inputs and 16 pairs of weights.
typedef int16_t conv_input;
typedef bonn_i16x32 conv_weights;

enum { CONV_STEP = 2, CONV_HEAD = 0 };

BONN_INLINE ptrdiff_t conv_block_weights(const bonn_conv2d_s8 *p) {
    return bonn_s8_block_weights(p, CONV_STEP);
}

BONN_INLINE void conv_fill(int16_t *to, ptrdiff_t n) {
    memset(to, 0, (size_t)n * sizeof *to);
}

BONN_INLINE void conv_copy(int16_t *to, const int8_t *from, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i++) {
        to[i] = from[i];
    }
}

BONN_INLINE void conv_start(const bonn_conv2d_s8 *p, ptrdiff_t block, const int8_t *head,
                            bonn_i32x16 *sums) {
    (void)p;
    (void)block;
    (void)head;
    *sums = 0;
}

BONN_INLINE void conv_load(bonn_i16x32 *weights, const int8_t *from) {
    bonn_i8x32 narrow;
    memcpy(&narrow, from, sizeof narrow);
    *weights = __builtin_convertvector(narrow, bonn_i16x32);
}

BONN_INLINE void conv_multiply(bonn_i32x16 *sums, const int16_t *x, const bonn_i16x32 *weights) {
    int32_t pair;
    memcpy(&pair, x, sizeof pair);
    bonn_dot(sums, pair, weights);
}

#include "../conv2d/conv2d_body.h"
