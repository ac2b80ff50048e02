// Binary convolution for AVX-512 with VPOPCNTDQ: up to 8 output pixels x 8 output channels at a
// time.
//
// A vector holds one word of eight output channels; a word of the input is broadcast against it,
// and the disagreements are counted in the 64-bit lane of their channel, where nothing overflows.
#if defined(__x86_64__)
#include "bconv2d_words.h"
#include <immintrin.h>

enum { MOST_PIXELS = 8 };

#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq"))),                 \
    apply_to = function)

// `pixels` outputs from number `first` on, and one strip; `pixels` is a constant where inlined.
static inline __attribute__((always_inline)) void compute_tile(const bonn_bconv2d_run *run,
                                                               const uint8_t *weights,
                                                               ptrdiff_t channel, ptrdiff_t first,
                                                               const int pixels) {
    __m512i sums[MOST_PIXELS];
    for (int i = 0; i < pixels; i++) {
        sums[i] = _mm512_setzero_si512();
    }
    const uint8_t *x = run->x + first * run->x_step;
    for (ptrdiff_t row = 0; row < run->rows; row++) {
        for (ptrdiff_t column = 0; column < run->columns; column++) {
            const uint8_t *tap = x + row * run->x_row + column * run->x_column;
            const uint8_t *w = weights + row * run->w_row + column * run->w_column;
            for (ptrdiff_t unit = 0; unit < run->units; unit++, tap += 8, w += 64) {
                const __m512i weight = _mm512_loadu_si512(w);
                for (int i = 0; i < pixels; i++) {
                    const __m512i input =
                        _mm512_set1_epi64(*(const long long *)(tap + i * run->x_step));
                    sums[i] = _mm512_add_epi64(
                        sums[i], _mm512_popcnt_epi64(_mm512_xor_si512(input, weight)));
                }
            }
        }
    }
    const ptrdiff_t left = run->channels - channel;
    const __mmask8 valid = left < BONN_STRIP ? (__mmask8)((1u << left) - 1) : 0xff;
    const __m256i bases = _mm256_maskz_loadu_epi32(valid, run->base + channel);
    const __m128i shift = _mm_cvtsi32_si128(run->shift);
    for (int i = 0; i < pixels; i++) {
        const __m256i counts = _mm256_sll_epi32(_mm512_cvtepi64_epi32(sums[i]), shift);
        _mm256_mask_storeu_epi32(run->y + (first + i) * run->y_step + channel, valid,
                                 _mm256_sub_epi32(bases, counts));
    }
}

static void compute(const bonn_bconv2d_run *run) {
    const uint8_t *w = run->w;
    for (ptrdiff_t channel = 0; channel < run->channels; channel += BONN_STRIP, w += run->w_strip) {
        ptrdiff_t i = 0;
        for (; i + MOST_PIXELS <= run->count; i += MOST_PIXELS) {
            compute_tile(run, w, channel, i, MOST_PIXELS);
        }
        if (i + 4 <= run->count) {
            compute_tile(run, w, channel, i, 4);
            i += 4;
        }
        switch (run->count - i) {
        case 3:
            compute_tile(run, w, channel, i, 3);
            break;
        case 2:
            compute_tile(run, w, channel, i, 2);
            break;
        case 1:
            compute_tile(run, w, channel, i, 1);
            break;
        }
    }
}

void bonn_bconv2d_b1i32_8x8__avx512(const bonn_bconv2d *p, const uint64_t *x, int32_t *y,
                                    ptrdiff_t y_stride, bonn_range rows, bonn_range blocks) {
    bonn_bconv2d_walk(p, bonn_bconv2d_word_layout(p), x, y, y_stride, rows, blocks, compute);
}

#pragma clang attribute pop
#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_bconv2d_avx512_absent;
#endif
