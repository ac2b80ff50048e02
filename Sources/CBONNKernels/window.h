// The walk over the output rows of a window.
#ifndef BONN_WINDOW_H
#define BONN_WINDOW_H

#include "kernels.h"

// One row of outputs: its image, its place in it, and the kernel rows inside the image.
typedef struct {
    ptrdiff_t image, y, origin;
    bonn_range taps;
} bonn_output_row;

static inline bonn_output_row bonn_locate_row(const bonn_window *w, ptrdiff_t row) {
    bonn_output_row r;
    r.image = row / w->out_height;
    r.y = row % w->out_height;
    r.origin = r.y * w->stride_height - w->pad_top;
    r.taps = bonn_taps_inside(r.origin, w->kernel_height, w->dilation_height, w->in_height);
    return r;
}

#endif
