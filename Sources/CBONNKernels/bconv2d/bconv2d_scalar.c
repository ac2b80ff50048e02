// Portable binary convolution: one output pixel, eight output channels at a time.
#include "bconv2d_words.h"

static void compute_strip(const bonn_bconv2d_run *run, const uint8_t *weights, ptrdiff_t channel) {
    for (ptrdiff_t i = 0; i < run->count; i++) {
        int32_t counts[BONN_STRIP] = {0};
        const uint8_t *x = run->x + i * run->x_step;
        for (ptrdiff_t row = 0; row < run->rows; row++) {
            for (ptrdiff_t column = 0; column < run->columns; column++) {
                const uint64_t *tap =
                    (const uint64_t *)(x + row * run->x_row + column * run->x_column);
                const uint64_t *w =
                    (const uint64_t *)(weights + row * run->w_row + column * run->w_column);
                for (ptrdiff_t unit = 0; unit < run->units; unit++, w += BONN_STRIP) {
                    for (ptrdiff_t k = 0; k < BONN_STRIP; k++) {
                        counts[k] += __builtin_popcountll(tap[unit] ^ w[k]);
                    }
                }
            }
        }
        bonn_bconv2d_write(run, counts, i, channel);
    }
}

static void compute(const bonn_bconv2d_run *run) {
    const uint8_t *weights = run->w;
    for (ptrdiff_t channel = 0; channel < run->channels; channel += BONN_STRIP) {
        compute_strip(run, weights, channel);
        weights += run->w_strip;
    }
}

void bonn_bconv2d_b1i32_1x8__scalar(const bonn_bconv2d *p, const uint64_t *x, int32_t *y,
                                    ptrdiff_t y_stride, bonn_range rows, bonn_range blocks) {
    bonn_bconv2d_walk(p, bonn_bconv2d_word_layout(p), x, y, y_stride, rows, blocks, compute);
}

ptrdiff_t bonn_bconv2d_pack_words__scalar(const bonn_bconv2d *p, const uint64_t *words,
                                          void *packed) {
    const bonn_bconv2d_layout layout = bonn_bconv2d_word_layout(p);
    const ptrdiff_t depth = bonn_bconv2d_taps(p) * p->group_words;
    uint64_t *to = packed;
    for (ptrdiff_t group = 0; to && group < p->groups; group++) {
        for (ptrdiff_t strip = 0; strip < p->out_channels; strip += BONN_STRIP) {
            for (ptrdiff_t index = 0; index < depth; index++) {
                for (ptrdiff_t channel = strip; channel < strip + BONN_STRIP; channel++) {
                    const ptrdiff_t from = (group * p->out_channels + channel) * depth + index;
                    *to++ = channel < p->out_channels ? words[from] : 0;
                }
            }
        }
    }
    return p->groups * layout.group_bytes;
}
