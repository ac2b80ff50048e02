// Real convolution compiled for AVX2 and FMA.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define BONN_HAS_FMA 1
#define BONN_CONV bonn_conv2d_f32_6x16__avx2
#define BONN_CONV_PIXELS 6
#define BONN_CONV_BLOCKS 1
#include "conv2d_f32.h"
#pragma clang attribute pop
#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_conv2d_avx2_absent;
#endif
