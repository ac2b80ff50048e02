// Max and average pooling over windows; padding never takes part, except in an average's divisor.
#include "../window.h"
#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

// A window position: the columns inside the image and the first one's place.
typedef struct {
    bonn_range taps;
    ptrdiff_t origin;
} window_columns;

static inline window_columns locate_columns(const bonn_window *w, ptrdiff_t column) {
    const ptrdiff_t origin = column * w->stride_width - w->pad_left;
    return (window_columns){
        bonn_taps_inside(origin, w->kernel_width, w->dilation_width, w->in_width), origin};
}

void bonn_max_pool_f32_u1__scalar(const bonn_pool *p, const float *x, float *y, bonn_range rows) {
    const bonn_window *w = &p->window;
    for (ptrdiff_t row = rows.begin; row < rows.end; row++) {
        const bonn_output_row r = bonn_locate_row(w, row);
        const float *image = x + r.image * w->in_height * w->in_width * p->channels;
        for (ptrdiff_t column = 0; column < w->out_width; column++) {
            const window_columns place = locate_columns(w, column);
            float *restrict out = y + (row * w->out_width + column) * p->channels;
            for (ptrdiff_t c = 0; c < p->channels; c++) {
                out[c] = -INFINITY;
            }
            for (ptrdiff_t ky = r.taps.begin; ky < r.taps.end; ky++) {
                const ptrdiff_t in_y = r.origin + ky * w->dilation_height;
                for (ptrdiff_t kx = place.taps.begin; kx < place.taps.end; kx++) {
                    const ptrdiff_t in_x = place.origin + kx * w->dilation_width;
                    const float *tap = image + (in_y * w->in_width + in_x) * p->channels;
                    for (ptrdiff_t c = 0; c < p->channels; c++) {
                        // Not (tap <= out): a NaN in the window is the result.
                        out[c] = tap[c] <= out[c] || out[c] != out[c] ? out[c] : tap[c];
                    }
                }
            }
        }
    }
}

// Bit 1 is the low level, so the larger of two values is the bitwise and. The first tap clears the
// tail bits.
void bonn_max_pool_b1_u64__scalar(const bonn_pool *p, const uint64_t *x, uint64_t *y,
                                  bonn_range rows) {
    const bonn_window *w = &p->window;
    const ptrdiff_t words = (p->channels + 63) / 64;
    for (ptrdiff_t row = rows.begin; row < rows.end; row++) {
        const bonn_output_row r = bonn_locate_row(w, row);
        const uint64_t *image = x + r.image * w->in_height * w->in_width * words;
        for (ptrdiff_t column = 0; column < w->out_width; column++) {
            const window_columns place = locate_columns(w, column);
            uint64_t *restrict out = y + (row * w->out_width + column) * words;
            for (ptrdiff_t word = 0; word < words; word++) {
                out[word] = ~UINT64_C(0);
            }
            for (ptrdiff_t ky = r.taps.begin; ky < r.taps.end; ky++) {
                const ptrdiff_t in_y = r.origin + ky * w->dilation_height;
                for (ptrdiff_t kx = place.taps.begin; kx < place.taps.end; kx++) {
                    const ptrdiff_t in_x = place.origin + kx * w->dilation_width;
                    const uint64_t *tap = image + (in_y * w->in_width + in_x) * words;
                    for (ptrdiff_t word = 0; word < words; word++) {
                        out[word] &= tap[word];
                    }
                }
            }
        }
    }
}

enum { LANES = 8 };

// Sums `lanes` channels in float64, divides and rounds once; `lanes` is a constant where it is
// LANES.
static inline __attribute__((always_inline)) void
average_channels(const bonn_window *w, const float *image, ptrdiff_t channels,
                 const bonn_output_row *r, const window_columns *place, double divisor, float *y,
                 ptrdiff_t lanes) {
    double sums[LANES] = {0};
    for (ptrdiff_t ky = r->taps.begin; ky < r->taps.end; ky++) {
        const ptrdiff_t in_y = r->origin + ky * w->dilation_height;
        for (ptrdiff_t kx = place->taps.begin; kx < place->taps.end; kx++) {
            const ptrdiff_t in_x = place->origin + kx * w->dilation_width;
            const float *tap = image + (in_y * w->in_width + in_x) * channels;
            for (ptrdiff_t c = 0; c < lanes; c++) {
                sums[c] += (double)tap[c];
            }
        }
    }
    for (ptrdiff_t c = 0; c < lanes; c++) {
        y[c] = (float)(sums[c] / divisor);
    }
}

void bonn_average_pool_f32_u8__scalar(const bonn_pool *p, const float *x, float *y,
                                      bonn_range rows) {
    const bonn_window *w = &p->window;
    for (ptrdiff_t row = rows.begin; row < rows.end; row++) {
        const bonn_output_row r = bonn_locate_row(w, row);
        const float *image = x + r.image * w->in_height * w->in_width * p->channels;
        for (ptrdiff_t column = 0; column < w->out_width; column++) {
            const window_columns place = locate_columns(w, column);
            const ptrdiff_t inside =
                (r.taps.end - r.taps.begin) * (place.taps.end - place.taps.begin);
            const ptrdiff_t divisor =
                p->counts_padding ? w->kernel_height * w->kernel_width : inside;
            float *out = y + (row * w->out_width + column) * p->channels;
            ptrdiff_t c = 0;
            for (; c + LANES <= p->channels; c += LANES) {
                average_channels(w, image + c, p->channels, &r, &place, (double)divisor, out + c,
                                 LANES);
            }
            if (c < p->channels) {
                average_channels(w, image + c, p->channels, &r, &place, (double)divisor, out + c,
                                 p->channels - c);
            }
        }
    }
}
