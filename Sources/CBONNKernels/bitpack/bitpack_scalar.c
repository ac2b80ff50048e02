// Portable comparison and packing: a word at a time.
#include "bitpack.h"

void bonn_threshold_f32b1_u64__scalar(const bonn_threshold *p, const float *x, uint64_t *y,
                                      ptrdiff_t pixels) {
    for (ptrdiff_t i = 0; i < pixels; i++, x += p->channels) {
        for (ptrdiff_t c = 0, word = 0; c < p->channels; c += 64, word++) {
            const ptrdiff_t end = p->channels - c < 64 ? p->channels : c + 64;
            const uint64_t low = bonn_low_f32(x, p->threshold, p->flip, c, end);
            *y++ = (low & p->keep[word]) | p->forced[word];
        }
    }
}

void bonn_threshold_i32b1_u64__scalar(const bonn_threshold *p, const int32_t *x, uint64_t *y,
                                      ptrdiff_t pixels) {
    for (ptrdiff_t i = 0; i < pixels; i++, x += p->channels) {
        for (ptrdiff_t c = 0, word = 0; c < p->channels; c += 64, word++) {
            const ptrdiff_t end = p->channels - c < 64 ? p->channels : c + 64;
            const uint64_t low = bonn_low_i32(x, p->threshold, p->flip, c, end);
            *y++ = (low & p->keep[word]) | p->forced[word];
        }
    }
}
