// Element-wise chains for AVX2.
#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define BONN_MAP_LANES 8
#define BONN_SIGN_BITS(mask) (uint32_t) _mm256_movemask_ps((__m256)(mask))
#define BONN_MAP_F32 bonn_map_f32_8x8__avx2
#define BONN_MAP_I32 bonn_map_i32_8x8__avx2
#include "map_body.h"
#pragma clang attribute pop
#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_map_avx2_absent;
#endif
