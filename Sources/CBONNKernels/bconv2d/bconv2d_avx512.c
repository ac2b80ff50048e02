// Binary convolution for AVX-512 with VPOPCNTDQ: up to 8 output pixels x 16 output channels at a
// time.
//
// A vector holds one word of eight output channels; a word of the input is broadcast against it,
// and the disagreements are counted in the 64-bit lane of their channel, where nothing overflows.
#if defined(__x86_64__)
#include "bconv2d_words.h"
#include <immintrin.h>

enum { PIXELS = 8, STRIPS = 2 };

#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq"))),                 \
    apply_to = function)

// `pixels` outputs from number `first` on and `strips` strips; both are constants where inlined.
BONN_INLINE void compute_tile(const bonn_bconv2d_run *run, const uint8_t *weights,
                              ptrdiff_t channel, ptrdiff_t first, const int pixels,
                              const int strips) {
    __m512i sums[STRIPS * PIXELS];
    UNROLL for (int i = 0; i < pixels * strips; i++) {
        sums[i] = _mm512_setzero_si512();
    }
    const ptrdiff_t step = run->x_step, units = run->units, strip = run->w_strip;
    const uint8_t *x = run->x + first * step;
    for (ptrdiff_t row = 0; row < run->rows; row++) {
        for (ptrdiff_t column = 0; column < run->columns; column++) {
            const uint8_t *tap = x + row * run->x_row + column * run->x_column;
            const uint8_t *w = weights + row * run->w_row + column * run->w_column;
#pragma clang loop unroll(disable)
            for (ptrdiff_t unit = 0; unit < units; unit++, tap += 8, w += 64) {
                __m512i weight[STRIPS];
                UNROLL for (int s = 0; s < strips; s++) {
                    weight[s] = _mm512_loadu_si512(w + s * strip);
                }
                UNROLL for (int i = 0; i < pixels; i++) {
                    const __m512i input = _mm512_set1_epi64(*(const long long *)(tap + i * step));
                    UNROLL for (int s = 0; s < strips; s++) {
                        __m512i *sum = &sums[i * strips + s];
                        *sum = _mm512_add_epi64(
                            *sum, _mm512_popcnt_epi64(_mm512_xor_si512(input, weight[s])));
                    }
                }
            }
        }
    }
    const __m128i shift = _mm_cvtsi32_si128(run->shift);
    UNROLL for (int s = 0; s < strips; s++, channel += BONN_STRIP) {
        const ptrdiff_t left = run->channels - channel;
        const __mmask8 valid = left < BONN_STRIP ? (__mmask8)((1u << left) - 1) : 0xff;
        const __m256i bases = _mm256_maskz_loadu_epi32(valid, run->base + channel);
        UNROLL for (int i = 0; i < pixels; i++) {
            const __m256i counts =
                _mm256_sll_epi32(_mm512_cvtepi64_epi32(sums[i * strips + s]), shift);
            _mm256_mask_storeu_epi32(run->y + (first + i) * run->y_step + channel, valid,
                                     _mm256_sub_epi32(bases, counts));
        }
    }
}

// `count` outputs from number `first` on; `strips` is a constant where inlined.
BONN_INLINE void compute_pixels(const bonn_bconv2d_run *run, const uint8_t *weights,
                                ptrdiff_t channel, ptrdiff_t first, ptrdiff_t count,
                                const int strips) {
    switch (count) {
#define BONN_TILE(n)                                                                               \
    case n:                                                                                        \
        compute_tile(run, weights, channel, first, n, strips);                                     \
        break;
        BONN_1_TO_8(BONN_TILE)
#undef BONN_TILE
    }
}

static void compute(const bonn_bconv2d_run *run) {
    const ptrdiff_t tiles = (run->count + PIXELS - 1) / PIXELS;
    const ptrdiff_t strips = (run->channels + BONN_STRIP - 1) / BONN_STRIP;
    for (ptrdiff_t strip = 0; strip < strips; strip += STRIPS) {
        const uint8_t *w = run->w + strip * run->w_strip;
        for (ptrdiff_t tile = 0; tile < tiles; tile++) {
            const ptrdiff_t first = run->count * tile / tiles;
            const ptrdiff_t count = run->count * (tile + 1) / tiles - first;
            if (strip + 1 < strips) {
                compute_pixels(run, w, strip * BONN_STRIP, first, count, STRIPS);
            } else {
                compute_pixels(run, w, strip * BONN_STRIP, first, count, 1);
            }
        }
    }
}

void bonn_bconv2d_b1i32_8x16__avx512(const bonn_bconv2d *p, const uint64_t *x, int32_t *y,
                                     ptrdiff_t y_stride, bonn_range rows, bonn_range blocks) {
    bonn_bconv2d_walk(p, bonn_bconv2d_word_layout(p), x, y, y_stride, rows, blocks, compute);
}

#pragma clang attribute pop
#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_bconv2d_avx512_absent;
#endif
