// Binary convolution for AVX2 by table lookup: several output pixels x 64 output channels at a
// time.
//
// Half a byte of the input, 4 channels, selects one of 16 tables; table a holds popcount(a xor b)
// for all 16 values of b. The vector shuffle then looks up 32 output channels at once: their
// weights for these 4 channels, a byte each, are the indices. One shuffle and one byte addition do
// 128 multiply-accumulates, and a table, fetched by one broadcasting load, serves all channels.
//
// A unit is a byte of the input. Its weights are the low nibbles of the block's channels, then the
// high nibbles; a last block of up to 32 channels takes 32 lanes. Absent channels are 0.
// A byte lane gains at most 8 a unit, so 31 units fit before the bytes are added into 16-bit lanes,
// and 264 times that before those are added into 32 bits.
#if defined(__x86_64__)
#include "bconv2d.h"
#include <immintrin.h>
#include <string.h>

enum {
    LANES = 32,
    UNITS_BEFORE_OVERFLOW = 31,
    ROUNDS_BEFORE_OVERFLOW = 264,
    MOST_PIXELS = 5,
};

// tables[b] holds the table of the low nibble of b, then that of the high nibble.
#define COUNT(n) (((n)&1) + ((n) >> 1 & 1) + ((n) >> 2 & 1) + ((n) >> 3 & 1))
#define QUARTER(a, b)                                                                              \
    COUNT((a) ^ (b)), COUNT((a) ^ (b + 1)), COUNT((a) ^ (b + 2)), COUNT((a) ^ (b + 3))
#define TABLE(a) QUARTER(a, 0), QUARTER(a, 4), QUARTER(a, 8), QUARTER(a, 12)
#define BYTE(b)                                                                                    \
    { TABLE((b)&15), TABLE((b) >> 4) }
#define BYTES_4(b) BYTE(b), BYTE(b + 1), BYTE(b + 2), BYTE(b + 3)
#define BYTES_16(b) BYTES_4(b), BYTES_4(b + 4), BYTES_4(b + 8), BYTES_4(b + 12)
#define BYTES_64(b) BYTES_16(b), BYTES_16(b + 16), BYTES_16(b + 32), BYTES_16(b + 48)
static const uint8_t tables[256][32]
    __attribute__((aligned(64))) = {BYTES_64(0), BYTES_64(64), BYTES_64(128), BYTES_64(192)};

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

// Adds 32 byte lanes to 16-bit lanes in the order of unpacking: 0-7, 16-23 and 8-15, 24-31.
BONN_INLINE void add_bytes(__m256i *sums, __m256i bytes) {
    const __m256i zero = _mm256_setzero_si256();
    sums[0] = _mm256_add_epi16(sums[0], _mm256_unpacklo_epi8(bytes, zero));
    sums[1] = _mm256_add_epi16(sums[1], _mm256_unpackhi_epi8(bytes, zero));
}

// Adds 16-bit lanes in that order to 32-bit lanes in their own order, 8 a vector.
BONN_INLINE void add_words(__m256i *sums, const __m256i *words) {
    const __m256i first = _mm256_permute2x128_si256(words[0], words[1], 0x20);
    const __m256i second = _mm256_permute2x128_si256(words[0], words[1], 0x31);
    const __m128i quarters[4] = {_mm256_castsi256_si128(first), _mm256_extracti128_si256(first, 1),
                                 _mm256_castsi256_si128(second),
                                 _mm256_extracti128_si256(second, 1)};
    for (int i = 0; i < 4; i++) {
        sums[i] = _mm256_add_epi32(sums[i], _mm256_cvtepu16_epi32(quarters[i]));
    }
}

// y = base - count * 2^shift for `channels` channels, up to LANES.
BONN_INLINE void write_sums(const bonn_bconv2d_run *run, const __m256i *counts, int32_t *y,
                            const int32_t *base, ptrdiff_t channels) {
    const __m128i shift = _mm_cvtsi32_si128(run->shift);
    if (channels >= LANES) {
        for (int i = 0; i < 4; i++) {
            const __m256i bases = _mm256_loadu_si256((const __m256i *)base + i);
            _mm256_storeu_si256((__m256i *)y + i,
                                _mm256_sub_epi32(bases, _mm256_sll_epi32(counts[i], shift)));
        }
        return;
    }
    int32_t lanes[LANES];
    memcpy(lanes, counts, sizeof lanes);
    for (ptrdiff_t k = 0; k < channels; k++) {
        y[k] = base[k] - lanes[k] * (1 << run->shift);
    }
}

// `pixels` outputs from number `first` on, and `vectors` * LANES channels; both are constants where
// inlined, as is `deep`: whether 16 bits may overflow.
BONN_INLINE void compute_tile(const bonn_bconv2d_run *run, ptrdiff_t first, const int pixels,
                              const int vectors, const int deep) {
    const __m256i zero = _mm256_setzero_si256();
    __m256i bytes[MOST_PIXELS][2], words[MOST_PIXELS][2][2], sums[MOST_PIXELS][2][4];
    UNROLL
    for (int i = 0; i < pixels; i++) {
        UNROLL
        for (int v = 0; v < vectors; v++) {
            bytes[i][v] = words[i][v][0] = words[i][v][1] = zero;
            UNROLL
            for (int q = 0; deep && q < 4; q++) {
                sums[i][v][q] = zero;
            }
        }
    }
    const uint8_t *x = run->x + first * run->x_step;
    ptrdiff_t room = UNITS_BEFORE_OVERFLOW, rounds = ROUNDS_BEFORE_OVERFLOW;
    for (ptrdiff_t row = 0; row < run->rows; row++) {
        for (ptrdiff_t column = 0; column < run->columns; column++) {
            const uint8_t *tap = x + row * run->x_row + column * run->x_column;
            const __m256i *w =
                (const __m256i *)(run->w + row * run->w_row + column * run->w_column);
            for (ptrdiff_t unit = 0; unit < run->units;) {
                const ptrdiff_t left = run->units - unit;
                const ptrdiff_t end = unit + (left < room ? left : room);
                room -= end - unit;
                for (; unit < end; unit++, w += 2 * vectors) {
                    __m256i low[2], high[2];
                    UNROLL
                    for (int v = 0; v < vectors; v++) {
                        low[v] = _mm256_loadu_si256(w + v);
                        high[v] = _mm256_loadu_si256(w + vectors + v);
                    }
                    UNROLL
                    for (int i = 0; i < pixels; i++) {
                        const __m128i *pair = (const __m128i *)tables[tap[i * run->x_step + unit]];
                        const __m256i for_low = _mm256_broadcastsi128_si256(pair[0]);
                        const __m256i for_high = _mm256_broadcastsi128_si256(pair[1]);
                        UNROLL
                        for (int v = 0; v < vectors; v++) {
                            bytes[i][v] =
                                _mm256_add_epi8(bytes[i][v], _mm256_shuffle_epi8(for_low, low[v]));
                        }
                        UNROLL
                        for (int v = 0; v < vectors; v++) {
                            bytes[i][v] = _mm256_add_epi8(bytes[i][v],
                                                          _mm256_shuffle_epi8(for_high, high[v]));
                        }
                    }
                }
                if (room > 0) {
                    continue;
                }
                room = UNITS_BEFORE_OVERFLOW;
                UNROLL
                for (int i = 0; i < pixels; i++) {
                    UNROLL
                    for (int v = 0; v < vectors; v++) {
                        add_bytes(words[i][v], bytes[i][v]);
                        bytes[i][v] = zero;
                    }
                }
                if (!deep || --rounds > 0) {
                    continue;
                }
                rounds = ROUNDS_BEFORE_OVERFLOW;
                UNROLL
                for (int i = 0; i < pixels; i++) {
                    UNROLL
                    for (int v = 0; v < vectors; v++) {
                        add_words(sums[i][v], words[i][v]);
                        words[i][v][0] = words[i][v][1] = zero;
                    }
                }
            }
        }
    }
    UNROLL
    for (int i = 0; i < pixels; i++) {
        UNROLL
        for (int v = 0; v < vectors; v++) {
            add_bytes(words[i][v], bytes[i][v]);
            __m256i counts[4];
            UNROLL
            for (int q = 0; q < 4; q++) {
                counts[q] = deep ? sums[i][v][q] : zero;
            }
            add_words(counts, words[i][v]);
            write_sums(run, counts, run->y + (first + i) * run->y_step + v * LANES,
                       run->base + v * LANES, run->channels - v * LANES);
        }
    }
}

BONN_INLINE void compute_block(const bonn_bconv2d_run *run, const int vectors, const int deep) {
    ptrdiff_t i = 0;
    for (; i + MOST_PIXELS <= run->count; i += MOST_PIXELS) {
        compute_tile(run, i, MOST_PIXELS, vectors, deep);
    }
    switch (run->count - i) {
    case 4:
        compute_tile(run, i, 4, vectors, deep);
        break;
    case 3:
        compute_tile(run, i, 3, vectors, deep);
        break;
    case 2:
        compute_tile(run, i, 2, vectors, deep);
        break;
    case 1:
        compute_tile(run, i, 1, vectors, deep);
        break;
    }
}

static void compute(const bonn_bconv2d_run *run) {
    const ptrdiff_t units = run->rows * run->columns * run->units;
    if (units >= UNITS_BEFORE_OVERFLOW * ROUNDS_BEFORE_OVERFLOW) {
        if (run->channels > LANES) {
            compute_block(run, 2, 1);
        } else {
            compute_block(run, 1, 1);
        }
    } else if (run->channels > LANES) {
        compute_block(run, 2, 0);
    } else {
        compute_block(run, 1, 0);
    }
}

#pragma clang attribute pop

static bonn_bconv2d_layout nibble_layout(const bonn_bconv2d *p) {
    const ptrdiff_t blocks = bonn_bconv2d_blocks(p);
    const ptrdiff_t last = p->out_channels - (blocks - 1) * BONN_BINARY_BLOCK;
    const ptrdiff_t units = (p->in_channels + 7) / 8;
    const ptrdiff_t depth = bonn_bconv2d_taps(p) * units;
    bonn_bconv2d_layout layout = {
        .unit_bytes = 1,
        .units = units,
        .lane_bytes = 4 * LANES,
        .last_lane_bytes = last > LANES ? 4 * LANES : 2 * LANES,
    };
    layout.block_bytes = depth * layout.lane_bytes;
    layout.group_bytes = (blocks - 1) * layout.block_bytes + depth * layout.last_lane_bytes;
    return layout;
}

void bonn_bconv2d_b1i32_5x64__avx2(const bonn_bconv2d *p, const uint64_t *x, int32_t *y,
                                   ptrdiff_t y_stride, bonn_range rows, bonn_range blocks) {
    bonn_bconv2d_walk(p, nibble_layout(p), x, y, y_stride, rows, blocks, compute);
}

ptrdiff_t bonn_bconv2d_pack_nibbles__avx2(const bonn_bconv2d *p, const uint64_t *words,
                                          void *packed) {
    const bonn_bconv2d_layout l = nibble_layout(p);
    const ptrdiff_t taps = bonn_bconv2d_taps(p);
    if (packed) {
        memset(packed, 0, (size_t)(p->groups * l.group_bytes));
    }
    for (ptrdiff_t k = 0; packed && k < p->groups * p->out_channels; k++) {
        const ptrdiff_t channel = k % p->out_channels;
        const ptrdiff_t block = channel / BONN_BINARY_BLOCK;
        const ptrdiff_t lane = channel % BONN_BINARY_BLOCK;
        const ptrdiff_t bytes =
            block == bonn_bconv2d_blocks(p) - 1 ? l.last_lane_bytes : l.lane_bytes;
        uint8_t *to =
            (uint8_t *)packed + k / p->out_channels * l.group_bytes + block * l.block_bytes + lane;
        for (ptrdiff_t tap = 0; tap < taps; tap++, words += p->group_words) {
            for (ptrdiff_t unit = 0; unit < l.units; unit++, to += bytes) {
                const uint8_t levels = (uint8_t)(words[unit / 8] >> (unit % 8 * 8));
                to[0] = levels & 15;
                to[bytes / 2] = levels >> 4;
            }
        }
    }
    return p->groups * l.group_bytes;
}
#else
// Nothing to compile on this architecture; ISO C wants one declaration.
typedef int bonn_bconv2d_avx2_absent;
#endif
