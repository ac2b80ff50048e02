// Portable binary convolution: one output pixel, eight output channels at a time.
#include "bconv2d.h"

static void compute(const bonn_bconv2d_run *run) {
    for (ptrdiff_t i = 0; i < run->count; i++) {
        int32_t disagreements[BONN_BLOCK] = {0};
        const uint64_t *x = run->x + i * run->x_step;
        for (ptrdiff_t row = 0; row < run->rows; row++) {
            for (ptrdiff_t column = 0; column < run->columns; column++) {
                const uint64_t *tap = x + row * run->x_row + column * run->x_column;
                const uint64_t *w = run->w + row * run->w_row + column * run->w_column;
                for (ptrdiff_t word = 0; word < run->words; word++) {
                    for (ptrdiff_t k = 0; k < BONN_BLOCK; k++) {
                        disagreements[k] +=
                            __builtin_popcountll(tap[word] ^ w[word * BONN_BLOCK + k]);
                    }
                }
            }
        }
        int32_t *y = run->y + i * run->y_step;
        for (ptrdiff_t k = 0; k < run->channels; k++) {
            y[k] = run->base[k] - disagreements[k] * (1 << run->shift);
        }
    }
}

void bonn_bconv2d_b1i32_1x8__scalar(const bonn_bconv2d *p, const uint64_t *x, int32_t *y,
                                    bonn_range rows, bonn_range blocks) {
    bonn_bconv2d_walk(p, x, y, rows, blocks, compute);
}
