// Depthwise convolution: the body that every kernel set compiles for itself.
//
// The arithmetic is that of conv2d/conv2d_f32.h, with one channel in every lane:
//
//     acc = bias[c];  for every kernel row, kernel column: acc = fma(x, w, acc),  x = +0 in the
//     padding
//
// Include after defining BONN_DEPTHWISE, the name of the function, and BONN_HAS_FMA.
#include "../fma.h"
#include "../window.h"
#include <string.h>

#pragma STDC FP_CONTRACT OFF

enum {
    LANES = 8,
    // Neighbouring outputs that share the loads of the weights.
    PIXELS = 6,
};

BONN_INLINE void load_lanes(bonn_f32x8 *to, const float *from, ptrdiff_t lanes) {
    if (lanes == LANES) {
        memcpy(to, from, sizeof *to);
        return;
    }
    *to = 0;
    memcpy(to, from, (size_t)lanes * sizeof(float));
}

// What the outputs of one row have in common.
typedef struct {
    const bonn_depthwise *p;
    bonn_output_row row;
    const float *image;
    float *y;
} depthwise_row;

// `lanes` channels, from channel c on, of `pixels` neighbouring outputs; both are constants in the
// frequent cases. Only one output at a time may have taps left or right of the image.
BONN_INLINE void compute_outputs(const depthwise_row *r, ptrdiff_t column, ptrdiff_t c,
                                 ptrdiff_t lanes, const int pixels) {
    const bonn_window *w = &r->p->window;
    const ptrdiff_t channels = r->p->channels;
    const ptrdiff_t step = w->stride_width * channels;
    const ptrdiff_t origin = column * w->stride_width - w->pad_left;
    const float *weights = r->p->weights + c;
    bonn_f32x8 sums[PIXELS], weight, value;
    UNROLL
    for (int i = 0; i < pixels; i++) {
        load_lanes(&sums[i], r->p->bias + c, lanes);
    }
    for (ptrdiff_t ky = 0; ky < w->kernel_height; ky++) {
        const int row_inside = ky >= r->row.taps.begin && ky < r->row.taps.end;
        const ptrdiff_t y = r->row.origin + ky * w->dilation_height;
        const float *row = row_inside ? r->image + y * w->in_width * channels + c : r->image;
        for (ptrdiff_t kx = 0; kx < w->kernel_width; kx++, weights += channels) {
            const ptrdiff_t x = origin + kx * w->dilation_width;
            const int inside = row_inside && (pixels > 1 || (x >= 0 && x < w->in_width));
            load_lanes(&weight, weights, lanes);
            value = 0;
            UNROLL
            for (int i = 0; i < pixels; i++) {
                if (inside) {
                    load_lanes(&value, row + (x * channels + i * step), lanes);
                }
                bonn_fma_8(&sums[i], &value, &weight);
            }
        }
    }
    UNROLL
    for (int i = 0; i < pixels; i++) {
        memcpy(r->y + (column + i) * channels + c, &sums[i], (size_t)lanes * sizeof(float));
    }
}

// All channels of `pixels` neighbouring outputs.
BONN_INLINE void compute_pixels(const depthwise_row *r, ptrdiff_t column, const int pixels) {
    ptrdiff_t c = 0;
    for (; c + LANES <= r->p->channels; c += LANES) {
        compute_outputs(r, column, c, LANES, pixels);
    }
    if (c < r->p->channels) {
        compute_outputs(r, column, c, r->p->channels - c, pixels);
    }
}

// The output columns all of whose taps lie inside the image.
static bonn_range columns_inside(const bonn_window *w) {
    const ptrdiff_t room = w->in_width + w->pad_left - (w->kernel_width - 1) * w->dilation_width;
    const ptrdiff_t end = room <= 0 ? 0 : (room - 1) / w->stride_width + 1;
    const ptrdiff_t begin = (w->pad_left + w->stride_width - 1) / w->stride_width;
    return (bonn_range){begin < w->out_width ? begin : w->out_width,
                        end < w->out_width ? end : w->out_width};
}

void BONN_DEPTHWISE(const bonn_depthwise *p, const float *x, float *y, bonn_range rows) {
    const bonn_window *w = &p->window;
    const bonn_range inside = columns_inside(w);
    for (ptrdiff_t row = rows.begin; row < rows.end; row++) {
        depthwise_row r = {.p = p, .row = bonn_locate_row(w, row)};
        r.image = x + r.row.image * w->in_height * w->in_width * p->channels;
        r.y = y + (row - w->out_row) * w->out_width * p->channels;
        ptrdiff_t column = 0;
        for (; column < inside.begin; column++) {
            compute_pixels(&r, column, 1);
        }
        for (; column + PIXELS <= inside.end; column += PIXELS) {
            compute_pixels(&r, column, PIXELS);
        }
        for (; column < w->out_width; column++) {
            compute_pixels(&r, column, 1);
        }
    }
}
