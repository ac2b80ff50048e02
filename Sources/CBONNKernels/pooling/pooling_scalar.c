// Pooling without assumptions about the processor; of bits, for every kernel set.
#define BONN_MAX_POOL bonn_max_pool_f32_1x32__scalar
#define BONN_AVERAGE_POOL bonn_average_pool_f32_1x32__scalar
#include "pooling_body.h"

// Bit 1 is the low level, so the larger of two values is the bitwise and. The first tap clears the
// tail bits.
void bonn_max_pool_b1_u64__scalar(const bonn_pool *p, const uint64_t *x, uint64_t *y,
                                  bonn_range rows) {
    const bonn_window *w = &p->window;
    const ptrdiff_t words = (p->channels + 63) / 64;
    for (ptrdiff_t row = rows.begin; row < rows.end; row++) {
        const bonn_output_row r = bonn_locate_row(w, row);
        for (ptrdiff_t column = 0; column < w->out_width; column++) {
            const bonn_pool_place at = bonn_locate_pool(w, r, column);
            uint64_t *restrict out = y + (row * w->out_width + column) * words;
            for (ptrdiff_t word = 0; word < words; word++) {
                out[word] = ~UINT64_C(0);
            }
            for (ptrdiff_t ky = at.rows.begin; ky < at.rows.end; ky++) {
                for (ptrdiff_t kx = at.columns.begin; kx < at.columns.end; kx++) {
                    const uint64_t *tap = x + bonn_pool_tap(w, &at, ky, kx) * words;
                    for (ptrdiff_t word = 0; word < words; word++) {
                        out[word] &= tap[word];
                    }
                }
            }
        }
    }
}
