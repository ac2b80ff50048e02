// Binary convolution: the arithmetic, and the walk over the outputs that all kernel sets share.
//
// Input x and weight w are levels written as bits, bit 1 for -1. Over the n channels of one tap
//
//     sum x*w = n - 2 d,        d = popcount(bits(x) xor bits(w)) = number of disagreements,
//
// and tail bits agree because they are 0 on both sides. For unsigned levels u = (x + 1) / 2 in
// {0, 1}, with p = popcount(bits(w)) and so sum w = n - 2 p,
//
//     sum u*w = (sum x*w + sum w) / 2 = (n - p) - d.
//
// Only taps inside the image are visited (they form a rectangle). Taps in the padding contribute
// 0 for zero padding, + sum w or - sum w for padding with +1 or -1. Everything that does not depend
// on the input is one number a rectangle and output channel, computed at load:
//
//     base = sum over taps inside of (n, or n - p for unsigned) + sum over taps outside of
//            (0, sum w or -sum w)
//     y    = base - d * 2^shift,       shift = 1 for signed, 0 for unsigned levels.
//
// `bases` holds one row of these a class of (output row, output column) with the same rectangle.
#ifndef BONN_BCONV2D_H
#define BONN_BCONV2D_H

#include "../loops.h"
#include "../window.h"

// How a kernel set reads taps and orders weights. A tap is `units` units of `unit_bytes` bytes of
// input each. Weights are [group][block][strip][kernel row][kernel column][unit][lane]: a strip is
// what the set computes side by side, all channels of a block or fewer.
typedef struct {
    ptrdiff_t unit_bytes, units;
    ptrdiff_t lane_bytes,
        last_lane_bytes;                // of one unit's lanes, in full blocks and in the last one
    ptrdiff_t block_bytes, group_bytes; // of a full block, and of all blocks of a group
} bonn_bconv2d_layout;

// Neighbouring outputs of one row that see the same rectangle of taps, for one block of weights.
typedef struct {
    const uint8_t *x;          // the first output's first tap
    ptrdiff_t x_step;          // bytes from output to output
    ptrdiff_t x_row, x_column; // bytes from tap to tap, down and across
    const uint8_t *w;          // the first tap's weights
    ptrdiff_t w_row, w_column; // bytes from tap to tap
    ptrdiff_t w_strip;         // bytes from strip to strip
    ptrdiff_t rows, columns;   // size of the rectangle
    ptrdiff_t units;           // a tap; the taps of a row that lie side by side count as one
    int shift;
    const int32_t *base; // [channels]
    int32_t *y;          // [count][y_step]
    ptrdiff_t y_step;
    ptrdiff_t channels; // of the block, at most BONN_BINARY_BLOCK
    ptrdiff_t count;
} bonn_bconv2d_run;

typedef void bonn_bconv2d_run_fn(const bonn_bconv2d_run *run);

static inline ptrdiff_t bonn_bconv2d_blocks(const bonn_bconv2d *p) {
    return (p->out_channels + BONN_BINARY_BLOCK - 1) / BONN_BINARY_BLOCK;
}

static inline ptrdiff_t bonn_bconv2d_taps(const bonn_bconv2d *p) {
    return p->window.kernel_height * p->window.kernel_width;
}

// Splits the outputs of `rows` x `blocks` into runs and calls `compute` on each.
BONN_INLINE void bonn_bconv2d_walk(const bonn_bconv2d *p, bonn_bconv2d_layout l, const uint64_t *x,
                                   int32_t *y, ptrdiff_t y_stride, bonn_range rows,
                                   bonn_range blocks, bonn_bconv2d_run_fn *compute) {
    const bonn_window *w = &p->window;
    const ptrdiff_t group_blocks = bonn_bconv2d_blocks(p);
    const ptrdiff_t pixel = p->pixel_words * 8;
    const ptrdiff_t all_channels = p->groups * p->out_channels;
    const ptrdiff_t first_channel = blocks.begin / group_blocks * p->out_channels +
                                    blocks.begin % group_blocks * BONN_BINARY_BLOCK;
    // Taps side by side in the weights are side by side in the input too, if nothing lies between.
    const int joins = w->dilation_width == 1 && l.units * l.unit_bytes == pixel;
    bonn_bconv2d_run run;
    run.shift = (int)p->shift;
    run.x_row = w->dilation_height * w->in_width * pixel;
    run.x_column = w->dilation_width * pixel;
    run.y_step = y_stride;
    for (ptrdiff_t block = blocks.begin; block < blocks.end; block++) {
        const ptrdiff_t group = block / group_blocks;
        const ptrdiff_t index = block % group_blocks;
        const ptrdiff_t first = index * BONN_BINARY_BLOCK;
        const ptrdiff_t channel = group * p->out_channels + first;
        const int is_last = index == group_blocks - 1;
        const uint8_t *weights =
            (const uint8_t *)p->weights + group * l.group_bytes + index * l.block_bytes;
        run.channels = is_last ? p->out_channels - first : BONN_BINARY_BLOCK;
        run.w_column = l.units * (is_last ? l.last_lane_bytes : l.lane_bytes);
        run.w_row = w->kernel_width * run.w_column;
        run.w_strip = w->kernel_height * run.w_row;
        for (ptrdiff_t row = rows.begin; row < rows.end; row++) {
            const bonn_output_row r = bonn_locate_row(w, row);
            const uint8_t *image =
                (const uint8_t *)x + r.image * w->in_height * w->in_width * pixel;
            const int32_t *bases = p->bases +
                                   (ptrdiff_t)p->row_class[r.y] * p->column_classes * all_channels +
                                   channel;
            for (ptrdiff_t column = 0; column < w->out_width; column += run.count) {
                const int32_t class = p->column_class[column];
                run.count = 1;
                while (column + run.count < w->out_width &&
                       p->column_class[column + run.count] == class) {
                    run.count++;
                }
                const ptrdiff_t origin = column * w->stride_width - w->pad_left;
                const bonn_range taps =
                    bonn_taps_inside(origin, w->kernel_width, w->dilation_width, w->in_width);
                run.rows = r.taps.end - r.taps.begin;
                run.columns = taps.end - taps.begin;
                run.units = l.units;
                run.x = image;
                run.x_step = 0;
                run.w = weights;
                if (run.rows > 0 && run.columns > 0) {
                    const ptrdiff_t in_y = r.origin + r.taps.begin * w->dilation_height;
                    const ptrdiff_t in_x = origin + taps.begin * w->dilation_width;
                    run.x += (in_y * w->in_width + in_x) * pixel + group * p->group_words * 8;
                    run.x_step = w->stride_width * pixel;
                    run.w += r.taps.begin * run.w_row + taps.begin * run.w_column;
                } else {
                    run.rows = 0;
                }
                if (joins) {
                    run.units *= run.columns;
                    run.columns = 1;
                }
                run.base = bases + (ptrdiff_t) class * all_channels;
                run.y = y + ((row - rows.begin) * w->out_width + column) * y_stride + channel -
                        first_channel;
                compute(&run);
            }
        }
    }
}

#endif
