// Convolution of signed bytes in the compiler's portable vectors.
#include "conv2d_s8.h"

// Both halves of a lane are 16-bit numbers, whose order in memory is that of the pair of inputs.
BONN_INLINE void bonn_dot(bonn_i32x16 *sums, int32_t pair, const bonn_i16x32 *weights) {
    const bonn_i32x16 lanes = (bonn_i32x16)*weights;
    const int32_t low = (int16_t)pair, high = pair >> 16;
    *sums += (lanes << 16 >> 16) * low + (lanes >> 16) * high;
}

#define BONN_CONV bonn_conv2d_s8_4x16__scalar
#define BONN_CONV_PIXELS 4
#define BONN_CONV_BLOCKS 1
#include "conv2d_s8_pairs.h"

ptrdiff_t bonn_conv2d_s8_pack_pairs__scalar(const bonn_conv2d_s8 *p, const int8_t *weights,
                                            void *packed) {
    return bonn_s8_pack(p, weights, packed, CONV_STEP, CONV_HEAD);
}
