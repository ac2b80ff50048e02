// Convolution of signed bytes compiled for AVX2.
#if defined(__x86_64__)
#include "conv2d_s8.h"
#include <immintrin.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

BONN_INLINE void bonn_dot(bonn_i32x16 *sums, int32_t pair, const bonn_i16x32 *weights) {
    const __m256i x = _mm256_set1_epi32(pair);
    __m256i w[2], sum[2];
    memcpy(w, weights, sizeof w);
    memcpy(sum, sums, sizeof sum);
    sum[0] = _mm256_add_epi32(sum[0], _mm256_madd_epi16(w[0], x));
    sum[1] = _mm256_add_epi32(sum[1], _mm256_madd_epi16(w[1], x));
    memcpy(sums, sum, sizeof sum);
}

#define BONN_CONV bonn_conv2d_s8_6x16__avx2
#define BONN_CONV_PIXELS 6
#define BONN_CONV_BLOCKS 1
#include "conv2d_s8_pairs.h"

#pragma clang attribute pop
#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_conv2d_s8_avx2_absent;
#endif
