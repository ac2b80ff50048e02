// Convolution of signed bytes compiled for AVX-512 with VNNI.
#if defined(__x86_64__)
#include "conv2d_s8.h"
#include <immintrin.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vnni"))),               \
                             apply_to = function)

static inline __attribute__((always_inline)) void bonn_dot(bonn_i32x16 *sums, int32_t pair,
                                                           const bonn_i16x32 *weights) {
    __m512i w, sum;
    memcpy(&w, weights, sizeof w);
    memcpy(&sum, sums, sizeof sum);
    sum = _mm512_dpwssd_epi32(sum, w, _mm512_set1_epi32(pair));
    memcpy(sums, &sum, sizeof sum);
}

#define BONN_CONV2D_S8 bonn_conv2d_s8_12x16__avx512
#define BONN_CONV2D_S8_PIXELS 12
#include "conv2d_s8_body.h"

#pragma clang attribute pop
#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_conv2d_s8_avx512_absent;
#endif
