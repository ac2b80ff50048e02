// Convolution of real numbers or of signed bytes: the body that every kernel set compiles for
// itself, once for each element type.
//
// A tile is some neighbouring output pixels times some blocks of BONN_REAL_BLOCK output channels,
// all of whose sums stay in registers: an input is broadcast once for all blocks, weights are read
// once for all pixels. Every lane owns one output, so the width of a vector changes nothing.
//
// Where no output of the window touches the padding and the elements need no conversion, the tiles
// read the image itself. Otherwise the input rows under one output row are first copied into
// `scratch` as [kernel row][padded column][channel], so that no tile sees a border.
//
// Include after defining BONN_CONV, the name of the function; BONN_CONV_PIXELS and
// BONN_CONV_BLOCKS, the output pixels, at most 14, and the blocks, at most 2, of the largest tile;
// and
//
//     conv_problem                 the parameters: bonn_conv2d or bonn_conv2d_s8
//     conv_source, conv_input      an element of the image, and of the rows that tiles read
//     conv_weight                  an element of the packed weights
//     conv_sums, conv_weights      the sums of a block; its weights for one step
//     CONV_STEP                    neighbouring inputs that a step multiplies
//     CONV_IN_PLACE(window)        whether tiles read the image itself
//     CONV_HEAD                    elements of the packed weights in front of those of a block
//     conv_block_weights(p)        elements from one block's weights to the next one's
//     conv_fill(to, n)             n inputs of the padding
//     conv_copy(to, from, n)       n inputs of the image
//     conv_start(p, block, head, sums)
//     conv_load(weights, from)     the weights of a step
//     conv_multiply(sums, input, weights)
//     conv_finish(p, block, sums, values)
#include "../loops.h"
#include "../window.h"
#include <string.h>

#pragma STDC FP_CONTRACT OFF

enum {
    PIXELS = BONN_CONV_PIXELS,
    BLOCKS = BONN_CONV_BLOCKS,
    // Blocks of a tile of one pixel: enough independent sums to hide the latency of an addition.
    BLOCKS_OF_ONE_PIXEL = 4,
    MOST_SUMS = PIXELS * BLOCKS > BLOCKS_OF_ONE_PIXEL ? PIXELS *BLOCKS : BLOCKS_OF_ONE_PIXEL,
    // Input elements under the pixels that are computed together for all blocks.
    CHUNK_ELEMENTS = 8192,
};

// What the tiles of one convolution have in common; distances in elements.
typedef struct {
    ptrdiff_t kernel_rows, kernel_row_step; // from one kernel row's input to the next one's
    ptrdiff_t runs, run_step, run_steps;    // a kernel row is `runs` runs of neighbouring inputs
    ptrdiff_t in_step, out_step;            // from one output pixel to the next
    ptrdiff_t block_weights;                // from one block's weights to the next one's
} conv_walk;

// Stores the first `valid` lanes.
BONN_INLINE void store_lanes(float *y, const bonn_f32x16 *values, ptrdiff_t valid) {
    if (valid == BONN_REAL_BLOCK) {
        memcpy(y, values, sizeof *values);
        return;
    }
    float lanes[BONN_REAL_BLOCK];
    memcpy(lanes, values, sizeof lanes);
    for (ptrdiff_t i = 0; i < valid; i++) {
        y[i] = lanes[i];
    }
}

// One tile from block `block` on; `pixels` and `blocks` are constants where inlined. All blocks but
// the last are full.
BONN_INLINE void compute_tile(const conv_problem *p, const conv_walk *walk, ptrdiff_t block,
                              const conv_input *x, float *y, ptrdiff_t valid, const int pixels,
                              const int blocks) {
    const conv_weight *weights = (const conv_weight *)p->weights + block * walk->block_weights;
    conv_sums sums[MOST_SUMS];
    UNROLL for (int b = 0; b < blocks; b++) {
        UNROLL for (int i = 0; i < pixels; i++) {
            conv_start(p, block + b, weights + b * walk->block_weights, &sums[b * pixels + i]);
        }
    }
    weights += CONV_HEAD;
    const ptrdiff_t step = walk->in_step, run_steps = walk->run_steps;
    const ptrdiff_t block_weights = walk->block_weights;
    for (ptrdiff_t ky = 0; ky < walk->kernel_rows; ky++) {
        for (ptrdiff_t run = 0; run < walk->runs; run++) {
            const conv_input *tap = x + ky * walk->kernel_row_step + run * walk->run_step;
#pragma clang loop unroll(disable)
            for (ptrdiff_t c = 0; c < run_steps; c++, tap += CONV_STEP) {
                conv_weights weight[BLOCKS_OF_ONE_PIXEL];
                UNROLL for (int b = 0; b < blocks; b++) {
                    conv_load(&weight[b], weights + b * block_weights);
                }
                UNROLL for (int i = 0; i < pixels; i++) {
                    UNROLL for (int b = 0; b < blocks; b++) {
                        conv_multiply(&sums[b * pixels + i], tap + i * step, &weight[b]);
                    }
                }
                weights += CONV_STEP * BONN_REAL_BLOCK;
            }
        }
    }
    UNROLL for (int b = 0; b < blocks; b++) {
        UNROLL for (int i = 0; i < pixels; i++) {
            bonn_f32x16 values;
            conv_finish(p, block + b, &sums[b * pixels + i], &values);
            store_lanes(y + i * walk->out_step + b * BONN_REAL_BLOCK, &values,
                        b == blocks - 1 ? valid : BONN_REAL_BLOCK);
        }
    }
}

// Copies the input rows under the output row that starts at input row `origin`, and behind them
// what the last step of a run may read at a weight of 0.
static void copy_rows(const conv_problem *p, const conv_source *image, ptrdiff_t origin,
                      conv_input *scratch) {
    const bonn_window *w = &p->window;
    const ptrdiff_t channels = p->groups * p->in_channels;
    const ptrdiff_t pixels = bonn_conv2d_row_pixels(w);
    // Columns [begin, end) of the padded row come from the image.
    const ptrdiff_t begin = w->pad_left < pixels ? w->pad_left : pixels;
    const ptrdiff_t reach = w->pad_left + w->in_width;
    const ptrdiff_t end = reach < pixels ? reach : pixels;
    for (ptrdiff_t tap = 0; tap < w->kernel_height; tap++, scratch += pixels * channels) {
        const ptrdiff_t y = origin + tap * w->dilation_height;
        if (y < 0 || y >= w->in_height) {
            conv_fill(scratch, pixels * channels);
            continue;
        }
        conv_fill(scratch, begin * channels);
        conv_copy(scratch + begin * channels, image + y * w->in_width * channels,
                  (end - begin) * channels);
        conv_fill(scratch + end * channels, (pixels - end) * channels);
    }
    conv_fill(scratch, CONV_STEP - 1);
}

// `count` neighbouring pixels, at most PIXELS; `blocks` is a constant where inlined.
BONN_INLINE void compute_pixels(const conv_problem *p, const conv_walk *walk, ptrdiff_t block,
                                const conv_input *x, float *y, ptrdiff_t valid, ptrdiff_t count,
                                const int blocks) {
    switch (count) {
#define BONN_TILE(n)                                                                               \
    case n:                                                                                        \
        if (n <= PIXELS) {                                                                         \
            compute_tile(p, walk, block, x, y, valid, n <= PIXELS ? n : 1, blocks);                \
        }                                                                                          \
        break;
        BONN_1_TO_14(BONN_TILE)
#undef BONN_TILE
    }
}

// How many blocks a tile takes where `blocks` blocks with `channels` channels are left.
static ptrdiff_t blocks_of_tile(ptrdiff_t pixels, ptrdiff_t blocks, ptrdiff_t channels) {
    const ptrdiff_t most = pixels == 1 ? BLOCKS_OF_ONE_PIXEL : BLOCKS;
    return blocks >= most && channels > (most - 1) * BONN_REAL_BLOCK ? most : 1;
}

// All blocks of `count` neighbouring pixels. x and y are those of the first group and channel.
static void compute_line(const conv_problem *p, const conv_walk *walk, const conv_input *x,
                         float *y, ptrdiff_t count, bonn_range blocks) {
    const ptrdiff_t tiles = (count + PIXELS - 1) / PIXELS;
    for (ptrdiff_t block = blocks.begin, taken; block < blocks.end; block += taken) {
        const ptrdiff_t group = block / p->blocks;
        const ptrdiff_t first = block % p->blocks * BONN_REAL_BLOCK;
        const ptrdiff_t left = p->out_channels - first;
        taken = blocks_of_tile(count, blocks.end - block, left);
        const ptrdiff_t last = left - (taken - 1) * BONN_REAL_BLOCK;
        const ptrdiff_t valid = last < BONN_REAL_BLOCK ? last : BONN_REAL_BLOCK;
        const conv_input *input = x + group * p->in_channels;
        float *output = y + group * p->out_channels + first;
        if (count == 1 && taken == BLOCKS_OF_ONE_PIXEL) {
            compute_tile(p, walk, block, input, output, valid, 1, BLOCKS_OF_ONE_PIXEL);
            continue;
        }
        // Tiles of nearly the same size: a small one would wait for its own sums.
        for (ptrdiff_t tile = 0; tile < tiles; tile++) {
            const ptrdiff_t begin = count * tile / tiles;
            const ptrdiff_t pixels = count * (tile + 1) / tiles - begin;
            const conv_input *tap = input + begin * walk->in_step;
            float *to = output + begin * walk->out_step;
            if (BLOCKS == 1 || taken == 1) {
                compute_pixels(p, walk, block, tap, to, valid, pixels, 1);
            } else {
                compute_pixels(p, walk, block, tap, to, valid, pixels, BLOCKS);
            }
        }
    }
}

void BONN_CONV(const conv_problem *p, const conv_source *x, float *y, bonn_range rows,
               bonn_range blocks, void *scratch) {
    const bonn_window *w = &p->window;
    const ptrdiff_t channels = p->groups * p->in_channels;
    const ptrdiff_t taps = w->kernel_height * w->kernel_width;
    const ptrdiff_t run = bonn_conv2d_run(w, p->groups, p->in_channels);
    const int in_place = CONV_IN_PLACE(w);
    const conv_walk walk = {
        .kernel_rows = w->kernel_height,
        .kernel_row_step =
            (in_place ? w->dilation_height * w->in_width : bonn_conv2d_row_pixels(w)) * channels,
        .runs = w->kernel_width * p->in_channels / run,
        .run_step = w->dilation_width * channels,
        .run_steps = (run + CONV_STEP - 1) / CONV_STEP,
        .in_step = w->stride_width * channels,
        .out_step = p->groups * p->out_channels,
        .block_weights = conv_block_weights(p),
    };
    // Output pixels of a line, and lines: a 1x1 convolution with stride 1 sees one long line.
    ptrdiff_t lines = rows.end - rows.begin, line = w->out_width;
    if (in_place && taps == 1 && w->stride_height == 1 && w->stride_width == 1) {
        line *= lines;
        lines = lines > 0;
    }
    ptrdiff_t chunk = CHUNK_ELEMENTS / (w->kernel_height * walk.in_step);
    chunk = chunk < PIXELS ? PIXELS : chunk;
    for (ptrdiff_t i = 0; i < lines; i++) {
        const bonn_output_row place = bonn_locate_row(w, rows.begin + i);
        const conv_source *image = x + place.image * w->in_height * w->in_width * channels;
        const conv_input *input = scratch;
        if (in_place) {
            input = (const conv_input *)(image + place.origin * w->in_width * channels);
        } else {
            copy_rows(p, image, place.origin, scratch);
        }
        float *output = y + (rows.begin + i - w->out_row) * w->out_width * walk.out_step;
        for (ptrdiff_t first = 0; first < line; first += chunk) {
            compute_line(p, &walk, input + first * walk.in_step, output + first * walk.out_step,
                         line - first < chunk ? line - first : chunk, blocks);
        }
    }
}
