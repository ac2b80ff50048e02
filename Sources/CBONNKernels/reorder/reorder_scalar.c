// Moving values between layouts.
#include "../kernels.h"
#include <string.h>

void bonn_transpose_u32_u1__scalar(const uint32_t *restrict x, ptrdiff_t x_stride,
                                   uint32_t *restrict y, ptrdiff_t rows, ptrdiff_t columns) {
    // An image of three colours, by far the most frequent.
    if (rows == 3) {
        for (ptrdiff_t column = 0; column < columns; column++) {
            y[column * 3] = x[column];
            y[column * 3 + 1] = x[x_stride + column];
            y[column * 3 + 2] = x[2 * x_stride + column];
        }
        return;
    }
    for (ptrdiff_t column = 0; column < columns; column++) {
        for (ptrdiff_t row = 0; row < rows; row++) {
            y[column * rows + row] = x[row * x_stride + column];
        }
    }
}

void bonn_copy_u32_u1__scalar(const uint32_t *x, ptrdiff_t from_stride, uint32_t *y,
                              ptrdiff_t to_stride, ptrdiff_t channels, ptrdiff_t pixels) {
    for (ptrdiff_t i = 0; i < pixels; i++) {
        memcpy(y + i * to_stride, x + i * from_stride, (size_t)channels * sizeof(uint32_t));
    }
}

// The `count` (1...64) bits of `words` from bit `first` on; reads no word that holds none of them.
static inline uint64_t take_bits(const uint64_t *words, ptrdiff_t first, ptrdiff_t count) {
    const ptrdiff_t shift = first % 64;
    words += first / 64;
    uint64_t bits = words[0] >> shift;
    if (shift + count > 64) {
        bits |= words[1] << (64 - shift);
    }
    return bits & (~UINT64_C(0) >> (64 - count));
}

// Sets the bits of `bits` in `words` from bit `first` on, where all bits are 0.
static inline void put_bits(uint64_t *words, ptrdiff_t first, ptrdiff_t count, uint64_t bits) {
    const ptrdiff_t shift = first % 64;
    words += first / 64;
    words[0] |= bits << shift;
    if (shift + count > 64) {
        words[1] |= bits >> (64 - shift);
    }
}

void bonn_copy_b1_u64__scalar(const bonn_bit_run *p, const uint64_t *x, uint64_t *y,
                              ptrdiff_t pixels) {
    for (ptrdiff_t i = 0; i < pixels; i++, x += p->from_words, y += p->to_words) {
        for (ptrdiff_t bit = 0; bit < p->bits; bit += 64) {
            const ptrdiff_t count = p->bits - bit < 64 ? p->bits - bit : 64;
            put_bits(y, p->to_bit + bit, count, take_bits(x, p->from_bit + bit, count));
        }
    }
}

void bonn_flatten_b1_u1__scalar(const uint64_t *x, uint64_t *y, ptrdiff_t pixels,
                                ptrdiff_t channels) {
    const ptrdiff_t words = (channels + 63) / 64;
    for (ptrdiff_t c = 0; c < channels; c++) {
        for (ptrdiff_t i = 0; i < pixels; i++) {
            const uint64_t bit = x[i * words + c / 64] >> (c % 64) & 1;
            const ptrdiff_t to = c * pixels + i;
            y[to / 64] |= bit << (to % 64);
        }
    }
}
