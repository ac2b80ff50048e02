// Convolution of signed bytes in the compiler's portable vectors.
#include "conv2d_s8.h"

// Both halves of a lane are 16-bit numbers, whose order in memory is that of the pair of inputs.
static inline __attribute__((always_inline)) void bonn_dot(bonn_i32x16 *sums, int32_t pair,
                                                           const bonn_i16x32 *weights) {
    const bonn_i32x16 lanes = (bonn_i32x16)*weights;
    const int32_t low = (int16_t)pair, high = pair >> 16;
    *sums += (lanes << 16 >> 16) * low + (lanes >> 16) * high;
}

#define BONN_CONV2D_S8 bonn_conv2d_s8_4x16__scalar
#define BONN_CONV2D_S8_PIXELS 4
#include "conv2d_s8_body.h"
