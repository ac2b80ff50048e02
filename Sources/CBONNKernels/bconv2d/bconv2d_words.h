// Kernels that count whole words: a unit is a word of the input, and a strip is 8 output channels,
// whose words lie side by side. The last strip of a group is filled with zeros.
#ifndef BONN_BCONV2D_WORDS_H
#define BONN_BCONV2D_WORDS_H

#include "bconv2d.h"

enum { BONN_STRIP = 8 };

static inline bonn_bconv2d_layout bonn_bconv2d_word_layout(const bonn_bconv2d *p) {
    const ptrdiff_t lanes = BONN_STRIP * 8;
    const ptrdiff_t strip = bonn_bconv2d_taps(p) * p->group_words * lanes;
    return (bonn_bconv2d_layout){
        .unit_bytes = 8,
        .units = p->group_words,
        .lane_bytes = lanes,
        .last_lane_bytes = lanes,
        .block_bytes = BONN_BINARY_BLOCK / BONN_STRIP * strip,
        .group_bytes = (p->out_channels + BONN_STRIP - 1) / BONN_STRIP * strip,
    };
}

// Writes the sums of one output and one strip.
static inline void bonn_bconv2d_write(const bonn_bconv2d_run *run, const int32_t *counts,
                                      ptrdiff_t output, ptrdiff_t channel) {
    const ptrdiff_t left = run->channels - channel;
    const ptrdiff_t channels = left < BONN_STRIP ? left : BONN_STRIP;
    int32_t *y = run->y + output * run->y_step + channel;
    for (ptrdiff_t k = 0; k < channels; k++) {
        y[k] = run->base[channel + k] - counts[k] * (1 << run->shift);
    }
}

#endif
