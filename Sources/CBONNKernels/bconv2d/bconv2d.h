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

#include "../window.h"

// Neighbouring outputs of one row that see the same rectangle of taps, for one weight block.
typedef struct {
    const uint64_t *x;         // the first output's first tap, first word
    ptrdiff_t x_step;          // words from output to output
    ptrdiff_t x_row, x_column; // words from tap to tap, down and across
    const uint64_t *w;         // the first tap's words, BONN_BLOCK channels each
    ptrdiff_t w_row, w_column; // words from tap to tap
    ptrdiff_t rows, columns;   // size of the rectangle
    ptrdiff_t words;           // words a tap
    int shift;
    const int32_t *base;        // [channels]
    int32_t *y;                 // [count][y_step]
    ptrdiff_t y_step, channels; // channels <= BONN_BLOCK
    ptrdiff_t count;
} bonn_bconv2d_run;

typedef void bonn_bconv2d_run_fn(const bonn_bconv2d_run *run);

// Splits the outputs of `rows` x `blocks` into runs and calls `compute` on each.
static inline __attribute__((always_inline)) void
bonn_bconv2d_walk(const bonn_bconv2d *p, const uint64_t *x, int32_t *y, bonn_range rows,
                  bonn_range blocks, bonn_bconv2d_run_fn *compute) {
    const bonn_window *w = &p->window;
    const ptrdiff_t group_channels = p->out_channels / p->groups;
    bonn_bconv2d_run run;
    run.words = p->group_words;
    run.shift = (int)p->shift;
    run.x_step = w->stride_width * p->pixel_words;
    run.x_row = w->dilation_height * w->in_width * p->pixel_words;
    run.x_column = w->dilation_width * p->pixel_words;
    run.w_column = p->group_words * BONN_BLOCK;
    run.w_row = w->kernel_width * run.w_column;
    run.y_step = p->out_channels;
    for (ptrdiff_t row = rows.begin; row < rows.end; row++) {
        const bonn_output_row r = bonn_locate_row(w, row);
        const uint64_t *image = x + r.image * w->in_height * w->in_width * p->pixel_words;
        const int32_t *row_bases =
            p->bases + (ptrdiff_t)p->row_class[r.y] * p->column_classes * p->out_channels;
        for (ptrdiff_t block = blocks.begin; block < blocks.end; block++) {
            const ptrdiff_t group = block / p->blocks;
            const ptrdiff_t first = (block % p->blocks) * BONN_BLOCK;
            const ptrdiff_t channel = group * group_channels + first;
            const uint64_t *weights = p->weights + block * w->kernel_height * run.w_row;
            run.channels =
                group_channels - first < BONN_BLOCK ? group_channels - first : BONN_BLOCK;
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
                run.x = image;
                run.w = weights;
                if (run.rows > 0 && run.columns > 0) {
                    const ptrdiff_t in_y = r.origin + r.taps.begin * w->dilation_height;
                    const ptrdiff_t in_x = origin + taps.begin * w->dilation_width;
                    run.x += (in_y * w->in_width + in_x) * p->pixel_words + group * p->group_words;
                    run.w += r.taps.begin * run.w_row + taps.begin * run.w_column;
                } else {
                    run.rows = 0;
                    run.x_step = 0;
                }
                run.base = row_bases + (ptrdiff_t) class * p->out_channels + channel;
                run.y = y + (row * w->out_width + column) * p->out_channels + channel;
                compute(&run);
                run.x_step = w->stride_width * p->pixel_words;
            }
        }
    }
}

#endif
