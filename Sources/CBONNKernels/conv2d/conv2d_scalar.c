// Real convolution in the compiler's portable vectors.
#if defined(__aarch64__) || defined(__FMA__)
#define BONN_HAS_FMA 1
#else
#define BONN_HAS_FMA 0
#endif
#define BONN_CONV bonn_conv2d_f32_6x16__scalar
#define BONN_CONV_PIXELS 6
#define BONN_CONV_BLOCKS 1
#include "conv2d_f32.h"
