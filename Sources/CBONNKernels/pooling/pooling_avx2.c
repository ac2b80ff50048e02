// Pooling of real values for AVX2.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define BONN_MAX_POOL bonn_max_pool_f32_1x32__avx2
#define BONN_AVERAGE_POOL bonn_average_pool_f32_1x32__avx2
#include "pooling_body.h"
#pragma clang attribute pop
#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_pooling_avx2_absent;
#endif
