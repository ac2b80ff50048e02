// Binary convolution for AVX2: four output pixels, eight output channels at a time.
//
// A weight vector holds one word of four output channels; a word of the input is broadcast against
// it, and the disagreements are counted in bytes by looking up both nibbles of the exclusive or in
// a table of popcounts (Mula). A byte gains at most 8 a word, so 31 words fit before the bytes
// are summed into the 64-bit lane of their channel.
#if defined(__x86_64__)
#include "bconv2d.h"
#include <immintrin.h>
#include <string.h>

enum { WORDS_BEFORE_OVERFLOW = 31 };

#pragma clang attribute push(__attribute__((target("avx2,popcnt"))), apply_to = function)

static inline __attribute__((always_inline)) __m256i count_bytes(__m256i bits) {
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                           2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i low = _mm256_and_si256(bits, nibble);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bits, 4), nibble);
    return _mm256_add_epi8(_mm256_shuffle_epi8(table, low), _mm256_shuffle_epi8(table, high));
}

// Two vectors of four 64-bit sums as eight 32-bit sums in order.
static inline __attribute__((always_inline)) __m256i narrow(__m256i first, __m256i second) {
    const __m256 pairs =
        _mm256_shuffle_ps(_mm256_castsi256_ps(first), _mm256_castsi256_ps(second), 0x88);
    return _mm256_permute4x64_epi64(_mm256_castps_si256(pairs), 0xd8);
}

// `pixels` outputs from `run->x + first * run->x_step` on; `pixels` is a constant where inlined.
static inline __attribute__((always_inline)) void
compute_pixels(const bonn_bconv2d_run *run, ptrdiff_t first, const int pixels) {
    const __m256i zero = _mm256_setzero_si256();
    __m256i sums[4][2], bytes[4][2];
    for (int i = 0; i < pixels; i++) {
        sums[i][0] = sums[i][1] = bytes[i][0] = bytes[i][1] = zero;
    }
    const uint64_t *x = run->x + first * run->x_step;
    ptrdiff_t room = WORDS_BEFORE_OVERFLOW;
    for (ptrdiff_t row = 0; row < run->rows; row++) {
        for (ptrdiff_t column = 0; column < run->columns; column++) {
            const uint64_t *tap = x + row * run->x_row + column * run->x_column;
            const uint64_t *w = run->w + row * run->w_row + column * run->w_column;
            for (ptrdiff_t word = 0; word < run->words;) {
                const ptrdiff_t left = run->words - word;
                const ptrdiff_t end = word + (left < room ? left : room);
                room -= end - word;
                for (; word < end; word++) {
                    const __m256i *weights = (const __m256i *)(w + word * BONN_BLOCK);
                    const __m256i w0 = _mm256_loadu_si256(weights);
                    const __m256i w1 = _mm256_loadu_si256(weights + 1);
                    for (int i = 0; i < pixels; i++) {
                        const __m256i bits =
                            _mm256_set1_epi64x((long long)tap[i * run->x_step + word]);
                        bytes[i][0] =
                            _mm256_add_epi8(bytes[i][0], count_bytes(_mm256_xor_si256(bits, w0)));
                        bytes[i][1] =
                            _mm256_add_epi8(bytes[i][1], count_bytes(_mm256_xor_si256(bits, w1)));
                    }
                }
                if (room == 0) {
                    for (int i = 0; i < pixels; i++) {
                        for (int half = 0; half < 2; half++) {
                            sums[i][half] = _mm256_add_epi64(sums[i][half],
                                                             _mm256_sad_epu8(bytes[i][half], zero));
                            bytes[i][half] = zero;
                        }
                    }
                    room = WORDS_BEFORE_OVERFLOW;
                }
            }
        }
    }
    const __m128i shift = _mm_cvtsi32_si128(run->shift);
    for (int i = 0; i < pixels; i++) {
        for (int half = 0; half < 2; half++) {
            sums[i][half] = _mm256_add_epi64(sums[i][half], _mm256_sad_epu8(bytes[i][half], zero));
        }
        const __m256i disagreements = _mm256_sll_epi32(narrow(sums[i][0], sums[i][1]), shift);
        int32_t *y = run->y + (first + i) * run->y_step;
        if (run->channels == BONN_BLOCK) {
            const __m256i base = _mm256_loadu_si256((const __m256i *)run->base);
            _mm256_storeu_si256((__m256i *)y, _mm256_sub_epi32(base, disagreements));
        } else {
            int32_t counts[BONN_BLOCK];
            memcpy(counts, &disagreements, sizeof counts);
            for (ptrdiff_t k = 0; k < run->channels; k++) {
                y[k] = run->base[k] - counts[k];
            }
        }
    }
}

static void compute(const bonn_bconv2d_run *run) {
    ptrdiff_t i = 0;
    for (; i + 4 <= run->count; i += 4) {
        compute_pixels(run, i, 4);
    }
    for (; i + 2 <= run->count; i += 2) {
        compute_pixels(run, i, 2);
    }
    if (i < run->count) {
        compute_pixels(run, i, 1);
    }
}

void bonn_bconv2d_b1i32_4x8__avx2(const bonn_bconv2d *p, const uint64_t *x, int32_t *y,
                                  bonn_range rows, bonn_range blocks) {
    bonn_bconv2d_walk(p, x, y, rows, blocks, compute);
}

#pragma clang attribute pop
#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_bconv2d_avx2_absent;
#endif
