// Convolution of signed bytes for AVX-512 with VNNI, four neighbouring inputs at a time.
//
// VPDPBUSD multiplies unsigned inputs by signed weights, so the rows hold u = x + 128, and since
//
//     sum x * w = sum u * w - 128 * sum w
//
// the sums start at -128 * sum w. Between start and end they may wrap around: arithmetic modulo
// 2^32 is exact for a result that fits. 16 of these starting values are the head of every block.
#if defined(__x86_64__)
#include "conv2d_s8.h"
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vnni"))),               \
                             apply_to = function)

typedef uint8_t conv_input;
typedef __m512i conv_weights;

enum {
    CONV_STEP = 4,
    ZERO = 128,
    CONV_HEAD = BONN_REAL_BLOCK * (int)sizeof(int32_t),
};

BONN_INLINE ptrdiff_t conv_block_weights(const bonn_conv2d_s8 *p) {
    return CONV_HEAD + bonn_s8_block_weights(p, CONV_STEP);
}

BONN_INLINE void conv_fill(uint8_t *to, ptrdiff_t n) {
    memset(to, ZERO, (size_t)n);
}

BONN_INLINE void conv_copy(uint8_t *to, const int8_t *from, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i++) {
        to[i] = (uint8_t)(from[i] + ZERO);
    }
}

BONN_INLINE void conv_start(const bonn_conv2d_s8 *p, ptrdiff_t block, const int8_t *head,
                            bonn_i32x16 *sums) {
    (void)p;
    (void)block;
    memcpy(sums, head, sizeof *sums);
}

BONN_INLINE void conv_load(__m512i *weights, const int8_t *from) {
    *weights = _mm512_loadu_si512(from);
}

BONN_INLINE void conv_multiply(bonn_i32x16 *sums, const uint8_t *x, const __m512i *weights) {
    int32_t inputs;
    memcpy(&inputs, x, sizeof inputs);
    *sums = (bonn_i32x16)_mm512_dpbusd_epi32((__m512i)*sums, _mm512_set1_epi32(inputs), *weights);
}

#define BONN_CONV bonn_conv2d_s8_14x32__avx512
#define BONN_CONV_PIXELS 14
#define BONN_CONV_BLOCKS 2
#include "../conv2d/conv2d_body.h"

#pragma clang attribute pop

ptrdiff_t bonn_conv2d_s8_pack_quads__avx512(const bonn_conv2d_s8 *p, const int8_t *weights,
                                            void *packed) {
    const ptrdiff_t bytes = bonn_s8_pack(p, weights, packed, CONV_STEP, CONV_HEAD);
    const ptrdiff_t count = bonn_s8_block_weights(p, CONV_STEP);
    int8_t *block = packed;
    for (ptrdiff_t b = 0; packed && b < p->groups * p->blocks; b++, block += CONV_HEAD + count) {
        uint32_t starts[BONN_REAL_BLOCK] = {0};
        for (ptrdiff_t i = 0; i < count; i++) {
            starts[i / CONV_STEP % BONN_REAL_BLOCK] -= (uint32_t)(ZERO * block[CONV_HEAD + i]);
        }
        memcpy(block, starts, sizeof starts);
    }
    return bytes;
}
#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_conv2d_s8_avx512_absent;
#endif
