// Real convolution compiled for AVX-512.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#define BONN_HAS_FMA 1
#define BONN_CONV bonn_conv2d_f32_14x32__avx512
#define BONN_CONV_PIXELS 14
#define BONN_CONV_BLOCKS 2
#include "conv2d_f32.h"
#pragma clang attribute pop
#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_conv2d_avx512_absent;
#endif
