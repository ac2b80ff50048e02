// Depthwise convolution in the compiler's portable vectors.
#if defined(__aarch64__) || defined(__FMA__)
#define BONN_HAS_FMA 1
#else
#define BONN_HAS_FMA 0
#endif
#define BONN_DEPTHWISE bonn_depthwise_f32_6x8__scalar
#include "depthwise_body.h"
