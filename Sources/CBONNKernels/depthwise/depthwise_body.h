// Depthwise convolution with float64 sums: the body that every kernel set compiles for itself.
//
// As conv2d/conv2d_body.h, with channels in the lanes; products are exact, so contraction is on.
// Taps in the padding are skipped. Include after defining BONN_DEPTHWISE, the function's name.
#include "../window.h"
#include <string.h>

#pragma STDC FP_CONTRACT ON

typedef float f32x8 __attribute__((vector_size(32)));
typedef double f64x8 __attribute__((vector_size(64)));

enum { LANES = 8 };

static inline __attribute__((always_inline)) void load_wide(f64x8 *to, const float *from,
                                                            ptrdiff_t count) {
    f32x8 narrow = {0};
    if (count == LANES) {
        memcpy(&narrow, from, sizeof narrow);
    } else {
        memcpy(&narrow, from, (size_t)count * sizeof(float));
    }
    *to = __builtin_convertvector(narrow, f64x8);
}

// `lanes` channels from channel c on, of one output; `lanes` is a constant where it is LANES.
static inline __attribute__((always_inline)) void
compute_channels(const bonn_depthwise *p, const float *image, const bonn_output_row *r,
                 ptrdiff_t origin, bonn_range columns, float *y, ptrdiff_t c, ptrdiff_t lanes) {
    const bonn_window *w = &p->window;
    f64x8 sum, value, weight;
    load_wide(&sum, p->bias + c, lanes);
    for (ptrdiff_t ky = r->taps.begin; ky < r->taps.end; ky++) {
        const float *row =
            image + (r->origin + ky * w->dilation_height) * w->in_width * p->channels;
        const float *weights = p->weights + ky * w->kernel_width * p->channels + c;
        for (ptrdiff_t kx = columns.begin; kx < columns.end; kx++) {
            const float *tap = row + (origin + kx * w->dilation_width) * p->channels + c;
            load_wide(&value, tap, lanes);
            load_wide(&weight, weights + kx * p->channels, lanes);
            sum += value * weight;
        }
    }
    const f32x8 rounded = __builtin_convertvector(sum, f32x8);
    memcpy(y + c, &rounded, (size_t)lanes * sizeof(float));
}

void BONN_DEPTHWISE(const bonn_depthwise *p, const float *x, float *y, bonn_range rows) {
    const bonn_window *w = &p->window;
    for (ptrdiff_t row = rows.begin; row < rows.end; row++) {
        const bonn_output_row r = bonn_locate_row(w, row);
        const float *image = x + r.image * w->in_height * w->in_width * p->channels;
        for (ptrdiff_t column = 0; column < w->out_width; column++) {
            const ptrdiff_t origin = column * w->stride_width - w->pad_left;
            const bonn_range columns =
                bonn_taps_inside(origin, w->kernel_width, w->dilation_width, w->in_width);
            float *output = y + (row * w->out_width + column) * p->channels;
            ptrdiff_t c = 0;
            for (; c + LANES <= p->channels; c += LANES) {
                compute_channels(p, image, &r, origin, columns, output, c, LANES);
            }
            if (c < p->channels) {
                compute_channels(p, image, &r, origin, columns, output, c, p->channels - c);
            }
        }
    }
}
