// Element-wise chains without assumptions about the processor.
#include <stdint.h>

// The bytes of the mask, one bit of each kept at its own place, summed in the highest byte.
typedef int8_t i8x8 __attribute__((vector_size(8)));
#define BONN_MAP_LANES 8
#define BONN_SIGN_BITS(mask)                                                                       \
    (((uint64_t) __builtin_convertvector(mask, i8x8) & 0x8040201008040201) * 0x0101010101010101 >> \
     56)
#define BONN_MAP_F32 bonn_map_f32_8x8__scalar
#define BONN_MAP_I32 bonn_map_i32_8x8__scalar
#include "map_body.h"
