// Element-wise chains for AVX-512.
#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq"))), apply_to = function)
#define BONN_MAP_LANES 16
#define BONN_SIGN_BITS(mask) (uint32_t) _mm512_movepi32_mask((__m512i)(mask))
#define BONN_MAP_F32 bonn_map_f32_8x16__avx512
#define BONN_MAP_I32 bonn_map_i32_8x16__avx512
#include "map_body.h"
#pragma clang attribute pop
#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_map_avx512_absent;
#endif
