// Binary convolution for ARM's NEON, as every 64-bit ARM processor has it: four output pixels,
// eight output channels at a time.
//
// A vector holds one word of two output channels; a word of the input is broadcast against it. EOR
// finds the disagreements, CNT counts them in bytes and UADALP adds those in pairs to 16-bit
// counters: three instructions for 128 multiply-accumulates. (Adding the bytes of some words first
// needs as many instructions, and more registers.)
//
// A 16-bit counter gains at most 16 a word. Outputs of more words than fit, which no usual network
// has, are computed one by one with 32-bit counters behind them.
#if defined(__aarch64__)
#include "bconv2d_words.h"
#include <arm_neon.h>

enum {
    MOST_PIXELS = 4,
    PAIRS = BONN_STRIP / 2,       // vectors of two channels in a strip
    WORDS_BEFORE_OVERFLOW = 4095, // 65535 / 16
};

// Adds the disagreements of `units` words of `pixels` outputs, whose words are `step` apart.
BONN_INLINE void count_units(uint16x8_t counters[][PAIRS], const uint64_t *x, ptrdiff_t step,
                             const uint64_t *w, ptrdiff_t units, const int pixels) {
    for (ptrdiff_t unit = 0; unit < units; unit++, x++, w += BONN_STRIP) {
        const uint64x2_t weights[PAIRS] = {vld1q_u64(w), vld1q_u64(w + 2), vld1q_u64(w + 4),
                                           vld1q_u64(w + 6)};
        UNROLL
        for (int i = 0; i < pixels; i++) {
            const uint64x2_t bits = vld1q_dup_u64(x + i * step);
            UNROLL
            for (int pair = 0; pair < PAIRS; pair++) {
                const uint8x16_t differing = vreinterpretq_u8_u64(veorq_u64(bits, weights[pair]));
                counters[i][pair] = vpadalq_u8(counters[i][pair], vcntq_u8(differing));
            }
        }
    }
}

// Writes output number `output`; `sums` holds two 32-bit sums a channel.
BONN_INLINE void write_sums(const bonn_bconv2d_run *run, ptrdiff_t channel, ptrdiff_t output,
                            const uint32x4_t sums[PAIRS]) {
    const uint32x4_t low = vpaddq_u32(sums[0], sums[1]), high = vpaddq_u32(sums[2], sums[3]);
    if (run->channels - channel < BONN_STRIP) {
        int32_t counts[BONN_STRIP];
        vst1q_s32(counts, vreinterpretq_s32_u32(low));
        vst1q_s32(counts + 4, vreinterpretq_s32_u32(high));
        bonn_bconv2d_write(run, counts, output, channel);
        return;
    }
    const int32x4_t shift = vdupq_n_s32(run->shift);
    const int32_t *base = run->base + channel;
    int32_t *y = run->y + output * run->y_step + channel;
    vst1q_s32(y, vsubq_s32(vld1q_s32(base), vreinterpretq_s32_u32(vshlq_u32(low, shift))));
    vst1q_s32(y + 4, vsubq_s32(vld1q_s32(base + 4), vreinterpretq_s32_u32(vshlq_u32(high, shift))));
}

// `pixels` outputs from number `first` on, and one strip, of at most WORDS_BEFORE_OVERFLOW words;
// `pixels` is a constant where inlined.
BONN_INLINE void compute_tile(const bonn_bconv2d_run *run, const uint8_t *weights,
                              ptrdiff_t channel, ptrdiff_t first, const int pixels) {
    uint16x8_t counters[MOST_PIXELS][PAIRS];
    UNROLL
    for (int i = 0; i < pixels; i++) {
        UNROLL
        for (int pair = 0; pair < PAIRS; pair++) {
            counters[i][pair] = vdupq_n_u16(0);
        }
    }
    const uint8_t *x = run->x + first * run->x_step;
    for (ptrdiff_t row = 0; row < run->rows; row++) {
        for (ptrdiff_t column = 0; column < run->columns; column++) {
            count_units(counters, (const uint64_t *)(x + row * run->x_row + column * run->x_column),
                        run->x_step / 8,
                        (const uint64_t *)(weights + row * run->w_row + column * run->w_column),
                        run->units, pixels);
        }
    }
    UNROLL
    for (int i = 0; i < pixels; i++) {
        uint32x4_t sums[PAIRS];
        UNROLL
        for (int pair = 0; pair < PAIRS; pair++) {
            sums[pair] = vpaddlq_u16(counters[i][pair]);
        }
        write_sums(run, channel, first + i, sums);
    }
}

// One output of any number of words.
static void compute_deep(const bonn_bconv2d_run *run, const uint8_t *weights, ptrdiff_t channel,
                         ptrdiff_t output) {
    uint32x4_t sums[PAIRS] = {vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u32(0)};
    const uint8_t *x = run->x + output * run->x_step;
    for (ptrdiff_t row = 0; row < run->rows; row++) {
        for (ptrdiff_t column = 0; column < run->columns; column++) {
            const uint64_t *tap = (const uint64_t *)(x + row * run->x_row + column * run->x_column);
            const uint64_t *w =
                (const uint64_t *)(weights + row * run->w_row + column * run->w_column);
            for (ptrdiff_t unit = 0; unit < run->units; unit += WORDS_BEFORE_OVERFLOW) {
                const ptrdiff_t left = run->units - unit;
                uint16x8_t counters[1][PAIRS] = {
                    {vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0)}};
                count_units(counters, tap + unit, 0, w + unit * BONN_STRIP,
                            left < WORDS_BEFORE_OVERFLOW ? left : WORDS_BEFORE_OVERFLOW, 1);
                for (int pair = 0; pair < PAIRS; pair++) {
                    sums[pair] = vpadalq_u16(sums[pair], counters[0][pair]);
                }
            }
        }
    }
    write_sums(run, channel, output, sums);
}

static void compute(const bonn_bconv2d_run *run) {
    const int is_deep = run->rows * run->columns * run->units > WORDS_BEFORE_OVERFLOW;
    const uint8_t *w = run->w;
    for (ptrdiff_t channel = 0; channel < run->channels; channel += BONN_STRIP, w += run->w_strip) {
        ptrdiff_t i = 0;
        for (; is_deep && i < run->count; i++) {
            compute_deep(run, w, channel, i);
        }
        for (; i + MOST_PIXELS <= run->count; i += MOST_PIXELS) {
            compute_tile(run, w, channel, i, MOST_PIXELS);
        }
        if (i + 2 <= run->count) {
            compute_tile(run, w, channel, i, 2);
            i += 2;
        }
        if (i < run->count) {
            compute_tile(run, w, channel, i, 1);
        }
    }
}

void bonn_bconv2d_b1i32_4x8__neon(const bonn_bconv2d *p, const uint64_t *x, int32_t *y,
                                  ptrdiff_t y_stride, bonn_range rows, bonn_range blocks) {
    bonn_bconv2d_walk(p, bonn_bconv2d_word_layout(p), x, y, y_stride, rows, blocks, compute);
}

#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_bconv2d_neon_absent;
#endif
