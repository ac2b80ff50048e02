// Comparison and packing for AVX2: eight channels an instruction, the sign bits gathered.
#if defined(__x86_64__)
#include "bitpack.h"
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

// Not (x ^ flip >= threshold), which is also true for a NaN.
static inline __attribute__((always_inline)) uint64_t
low_f32x8(const float *x, const float *threshold, const uint32_t *flip) {
    const __m256 flips = _mm256_loadu_ps((const float *)flip);
    const __m256 value = _mm256_xor_ps(_mm256_loadu_ps(x), flips);
    const __m256 low = _mm256_cmp_ps(value, _mm256_loadu_ps(threshold), _CMP_NGE_UQ);
    return (uint64_t)(uint32_t)_mm256_movemask_ps(low);
}

static inline __attribute__((always_inline)) uint64_t
low_i32x8(const int32_t *x, const int32_t *threshold, const uint32_t *flip) {
    const __m256i flips = _mm256_loadu_si256((const __m256i *)flip);
    const __m256i value = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)x), flips);
    const __m256i low = _mm256_cmpgt_epi32(_mm256_loadu_si256((const __m256i *)threshold), value);
    return (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(low));
}

void bonn_threshold_f32b1_u64__avx2(const bonn_threshold *p, const float *x, uint64_t *y,
                                    ptrdiff_t pixels) {
    const float *threshold = p->threshold;
    for (ptrdiff_t i = 0; i < pixels; i++, x += p->channels) {
        for (ptrdiff_t first = 0, word = 0; first < p->channels; first += 64, word++) {
            const ptrdiff_t end = p->channels - first < 64 ? p->channels : first + 64;
            uint64_t low = 0;
            ptrdiff_t c = first;
            for (; c + 8 <= end; c += 8) {
                low |= low_f32x8(x + c, threshold + c, p->flip + c) << (c - first);
            }
            if (c < end) {
                low |= bonn_low_f32(x, threshold, p->flip, c, end) << (c - first);
            }
            *y++ = (low & p->keep[word]) | p->forced[word];
        }
    }
}

void bonn_threshold_i32b1_u64__avx2(const bonn_threshold *p, const int32_t *x, uint64_t *y,
                                    ptrdiff_t pixels) {
    const int32_t *threshold = p->threshold;
    for (ptrdiff_t i = 0; i < pixels; i++, x += p->channels) {
        for (ptrdiff_t first = 0, word = 0; first < p->channels; first += 64, word++) {
            const ptrdiff_t end = p->channels - first < 64 ? p->channels : first + 64;
            uint64_t low = 0;
            ptrdiff_t c = first;
            for (; c + 8 <= end; c += 8) {
                low |= low_i32x8(x + c, threshold + c, p->flip + c) << (c - first);
            }
            if (c < end) {
                low |= bonn_low_i32(x, threshold, p->flip, c, end) << (c - first);
            }
            *y++ = (low & p->keep[word]) | p->forced[word];
        }
    }
}

#pragma clang attribute pop
#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_bitpack_avx2_absent;
#endif
