// The place of a pooling window in its image.
#ifndef BONN_POOLING_H
#define BONN_POOLING_H

#include "../window.h"

// The taps of one output that lie inside the image, and where tap (0, 0) would be.
typedef struct {
    bonn_range rows, columns;
    ptrdiff_t first_row, y, x; // of the image among all rows; of the window in the image
} bonn_pool_place;

static inline bonn_pool_place bonn_locate_pool(const bonn_window *w, bonn_output_row r,
                                               ptrdiff_t column) {
    const ptrdiff_t x = column * w->stride_width - w->pad_left;
    return (bonn_pool_place){
        .rows = r.taps,
        .columns = bonn_taps_inside(x, w->kernel_width, w->dilation_width, w->in_width),
        .first_row = r.image * w->in_height,
        .y = r.origin,
        .x = x,
    };
}

// The number of the input pixel under a tap, counted from the first row in memory.
static inline ptrdiff_t bonn_pool_tap(const bonn_window *w, const bonn_pool_place *at,
                                      ptrdiff_t row, ptrdiff_t column) {
    return (at->first_row - w->in_row + at->y + row * w->dilation_height) * w->in_width + at->x +
           column * w->dilation_width;
}

#endif
