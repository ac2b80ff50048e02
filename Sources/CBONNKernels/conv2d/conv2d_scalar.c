// Real convolution in the compiler's portable vectors.
#define BONN_CONV2D bonn_conv2d_f32_4x8__scalar
#include "conv2d_body.h"
