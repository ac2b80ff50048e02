// Rounding to signed bytes, in plain C that compilers turn into vectors of any width.
#include "../kernels.h"

#pragma STDC FP_CONTRACT OFF

void bonn_quantize_f32s8_u1__scalar(const float *x, float inverse_scale, int8_t *y,
                                    ptrdiff_t count) {
    // Added to a number of at most 2^22, it rounds it to an integer, ties to even, like every sum.
    const float shift = 0x1.8p23f;
    for (ptrdiff_t i = 0; i < count; i++) {
        float value = x[i] * inverse_scale;
        // A NaN fails the first comparison.
        value = value > -127 ? value : -127;
        value = value < 127 ? value : 127;
        y[i] = (int8_t)((value + shift) - shift);
    }
}
