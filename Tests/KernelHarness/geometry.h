// Random windows, written out.
#ifndef HARNESS_GEOMETRY_H
#define HARNESS_GEOMETRY_H

#include "harness.h"

// The shape of a kernel, and how far a window may stick out.
typedef struct {
    ptrdiff_t kernel_height, kernel_width;
    ptrdiff_t max_height, max_width;   // of the image
    int every_window_holds_an_element; // as pooling demands
} window_wish;

bonn_window geometry_window(generator *g, const window_wish *wish);

// A kernel shape: those that networks use, and any other up to 7 x 7. `index` walks through them.
void geometry_kernel(generator *g, uint64_t index, ptrdiff_t *height, ptrdiff_t *width);

// The row or column of the image under a tap, or -1 in the padding.
static inline ptrdiff_t geometry_tap(ptrdiff_t output, ptrdiff_t tap, ptrdiff_t stride,
                                     ptrdiff_t pad, ptrdiff_t dilation, ptrdiff_t size) {
    const ptrdiff_t at = output * stride - pad + tap * dilation;
    return at >= 0 && at < size ? at : -1;
}

static inline ptrdiff_t geometry_row(const bonn_window *w, ptrdiff_t output, ptrdiff_t tap) {
    return geometry_tap(output, tap, w->stride_height, w->pad_top, w->dilation_height,
                        w->in_height);
}

static inline ptrdiff_t geometry_column(const bonn_window *w, ptrdiff_t output, ptrdiff_t tap) {
    return geometry_tap(output, tap, w->stride_width, w->pad_left, w->dilation_width, w->in_width);
}

// A part [begin, end) of `count` things: all of them, or as a thread gets them; never empty.
bonn_range geometry_part(generator *g, ptrdiff_t count);

// The text of a window, for case_describe.
const char *geometry_text(const bonn_window *w);

#endif
