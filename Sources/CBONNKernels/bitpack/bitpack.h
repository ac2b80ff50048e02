// Comparison with thresholds, packed: the part of a word that all kernel sets share.
//
// The packed word is (low & keep) | forced, where a bit of `low` is 1 when the comparison fails.
#ifndef BONN_BITPACK_H
#define BONN_BITPACK_H

#include "../kernels.h"
#include <string.h>

static inline float bonn_flip_f32(float x, uint32_t flip) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits ^= flip;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// The low bits of channels [first, end) of one pixel, `first` at bit 0. At most 64.
static inline uint64_t bonn_low_f32(const float *x, const float *threshold, const uint32_t *flip,
                                    ptrdiff_t first, ptrdiff_t end) {
    uint64_t low = 0;
    for (ptrdiff_t c = first; c < end; c++) {
        low |= (uint64_t) !(bonn_flip_f32(x[c], flip[c]) >= threshold[c]) << (c - first);
    }
    return low;
}

static inline uint64_t bonn_low_i32(const int32_t *x, const int32_t *threshold,
                                    const uint32_t *flip, ptrdiff_t first, ptrdiff_t end) {
    uint64_t low = 0;
    for (ptrdiff_t c = first; c < end; c++) {
        low |= (uint64_t)((x[c] ^ (int32_t)flip[c]) < threshold[c]) << (c - first);
    }
    return low;
}

#endif
