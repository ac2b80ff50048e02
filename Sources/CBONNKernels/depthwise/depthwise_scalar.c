// Depthwise convolution in the compiler's portable vectors.
#define BONN_DEPTHWISE bonn_depthwise_f32_1x8__scalar
#include "depthwise_body.h"
