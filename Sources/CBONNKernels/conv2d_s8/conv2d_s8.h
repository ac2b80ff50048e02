// Vectors of the convolutions of signed bytes.
#ifndef BONN_CONV2D_S8_H
#define BONN_CONV2D_S8_H

#include <stdint.h>

typedef float bonn_f32x16 __attribute__((ext_vector_type(16)));
typedef int32_t bonn_i32x16 __attribute__((ext_vector_type(16)));
typedef int16_t bonn_i16x32 __attribute__((ext_vector_type(32)));
typedef int8_t bonn_i8x32 __attribute__((ext_vector_type(32)));

#endif
