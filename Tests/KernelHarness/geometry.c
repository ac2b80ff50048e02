#include "geometry.h"
#include <stdio.h>

void geometry_kernel(generator *g, uint64_t index, ptrdiff_t *height, ptrdiff_t *width) {
    static const ptrdiff_t square[] = {3, 1, 5, 3, 7, 2};
    const uint64_t kind = index % 8;
    if (kind < 6) {
        *height = *width = square[kind];
    } else {
        *height = generator_integer(g, 1, 7);
        *width = generator_integer(g, 1, 7);
    }
}

// One axis: the size of the image, the padding before it, the number of outputs.
typedef struct {
    ptrdiff_t in, out, stride, pad, dilation;
} axis;

static int holds_elements(const axis *a, ptrdiff_t kernel) {
    for (ptrdiff_t o = 0; o < a->out; o++) {
        int holds = 0;
        for (ptrdiff_t tap = 0; tap < kernel; tap++) {
            holds |= geometry_tap(o, tap, a->stride, a->pad, a->dilation, a->in) >= 0;
        }
        if (!holds) {
            return 0;
        }
    }
    return 1;
}

static axis random_axis(generator *g, ptrdiff_t kernel, ptrdiff_t largest, int must_hold) {
    for (;;) {
        axis a;
        a.in = generator_integer(g, 1, largest);
        a.stride = generator_one_in(g, 2) ? 1 : generator_integer(g, 1, 4);
        a.dilation = generator_one_in(g, 2) ? 1 : generator_integer(g, 1, 3);
        const ptrdiff_t extent = (kernel - 1) * a.dilation + 1;
        const int is_usual = generator_one_in(g, 2);
        a.pad = is_usual ? extent / 2 : generator_integer(g, 0, extent);
        const ptrdiff_t behind = is_usual ? extent / 2 : generator_integer(g, 0, extent);
        const ptrdiff_t padded = a.in + a.pad + behind;
        if (padded < extent) {
            continue;
        }
        a.out = (padded - extent) / a.stride + 1;
        if (!must_hold || holds_elements(&a, kernel)) {
            return a;
        }
    }
}

bonn_window geometry_window(generator *g, const window_wish *wish) {
    const int must_hold = wish->every_window_holds_an_element;
    const axis y = random_axis(g, wish->kernel_height, wish->max_height, must_hold);
    const axis x = random_axis(g, wish->kernel_width, wish->max_width, must_hold);
    return (bonn_window){.in_height = y.in,
                         .in_width = x.in,
                         .out_height = y.out,
                         .out_width = x.out,
                         .kernel_height = wish->kernel_height,
                         .kernel_width = wish->kernel_width,
                         .stride_height = y.stride,
                         .stride_width = x.stride,
                         .pad_top = y.pad,
                         .pad_left = x.pad,
                         .dilation_height = y.dilation,
                         .dilation_width = x.dilation};
}

bonn_range geometry_part(generator *g, ptrdiff_t count) {
    if (generator_one_in(g, 2)) {
        return (bonn_range){0, count};
    }
    const ptrdiff_t begin = generator_integer(g, 0, count - 1);
    return (bonn_range){begin, generator_integer(g, begin + 1, count)};
}

const char *geometry_text(const bonn_window *w) {
    static char text[200];
    snprintf(text, sizeof text,
             "image %tdx%td, kernel %tdx%td, stride %tdx%td, padding %tdx%td, dilation %tdx%td, "
             "output %tdx%td",
             w->in_height, w->in_width, w->kernel_height, w->kernel_width, w->stride_height,
             w->stride_width, w->pad_top, w->pad_left, w->dilation_height, w->dilation_width,
             w->out_height, w->out_width);
    return text;
}
