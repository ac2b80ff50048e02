// Depthwise convolution compiled for AVX2 and FMA.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define BONN_HAS_FMA 1
#define BONN_DEPTHWISE bonn_depthwise_f32_6x8__avx2
#include "depthwise_body.h"
#pragma clang attribute pop
#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_depthwise_avx2_absent;
#endif
