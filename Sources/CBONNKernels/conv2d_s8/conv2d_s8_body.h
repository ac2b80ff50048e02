// Convolution of signed bytes with exact integer sums: the body that every kernel set compiles for
// itself.
//
//     y[k] = fl(fl(fl(sum over taps and channels of x * w) * scale[k]) + bias[k])
//
// The input rows under one output row are widened into `scratch` as [kernel row][padded column]
// [channel] of 16 bits, zeros in the padding. The sums take two neighbouring inputs at a time: a
// pair of 16-bit products always fits 32 bits, and processors have one instruction for it. An odd
// last input of a run is paired with what follows it in the row, at a weight of 0.
//
// Include after defining BONN_CONV2D_S8, the name of the function; BONN_CONV2D_S8_PIXELS, the
// output pixels of the largest tile, at most 12; and the function bonn_dot, which adds to 16 sums
// the products of one pair of inputs and 16 pairs of weights.
#include "../window.h"
#include <string.h>

#pragma STDC FP_CONTRACT OFF

enum {
    PIXELS = BONN_CONV2D_S8_PIXELS,
    // Blocks of a tile of one pixel: enough independent sums to hide the latency of an addition.
    BLOCKS_OF_ONE_PIXEL = 4,
};

// What the tiles of one convolution have in common; distances in elements.
typedef struct {
    ptrdiff_t kernel_rows, kernel_row_step; // from one kernel row's input to the next one's
    ptrdiff_t runs, run_step, run_pairs;    // a kernel row is `runs` runs of neighbouring inputs
    ptrdiff_t in_step, out_step;            // from one output pixel to the next
    ptrdiff_t block_weights;                // weights of one block
} conv2d_s8_walk;

static inline __attribute__((always_inline)) void store_lanes(float *y, const bonn_i32x16 *sums,
                                                              const float *scale, const float *bias,
                                                              ptrdiff_t valid) {
    bonn_f32x16 scales, shifts;
    memcpy(&scales, scale, sizeof scales);
    memcpy(&shifts, bias, sizeof shifts);
    const bonn_f32x16 values = __builtin_convertvector(*sums, bonn_f32x16) * scales + shifts;
    if (valid == BONN_REAL_BLOCK) {
        memcpy(y, &values, sizeof values);
        return;
    }
    float lanes[BONN_REAL_BLOCK];
    memcpy(lanes, &values, sizeof lanes);
    for (ptrdiff_t i = 0; i < valid; i++) {
        y[i] = lanes[i];
    }
}

// One tile; `pixels` and `blocks` are constants where inlined. All blocks but the last are full.
static inline __attribute__((always_inline)) void
compute_tile(const conv2d_s8_walk *walk, const int16_t *x, const int8_t *weights,
             const float *scale, const float *bias, float *y, ptrdiff_t valid, const int pixels,
             const int blocks) {
    bonn_i32x16 sums[pixels > blocks ? PIXELS : BLOCKS_OF_ONE_PIXEL];
#pragma clang loop unroll(full)
    for (int i = 0; i < pixels * blocks; i++) {
        sums[i] = 0;
    }
    for (ptrdiff_t ky = 0; ky < walk->kernel_rows; ky++) {
        for (ptrdiff_t run = 0; run < walk->runs; run++) {
            const int16_t *tap = x + ky * walk->kernel_row_step + run * walk->run_step;
            for (ptrdiff_t c = 0; c < walk->run_pairs; c++, weights += 2 * BONN_REAL_BLOCK) {
#pragma clang loop unroll(full)
                for (int b = 0; b < blocks; b++) {
                    bonn_i8x32 narrow;
                    memcpy(&narrow, weights + b * walk->block_weights, sizeof narrow);
                    const bonn_i16x32 weight = __builtin_convertvector(narrow, bonn_i16x32);
#pragma clang loop unroll(full)
                    for (int i = 0; i < pixels; i++) {
                        int32_t pair;
                        memcpy(&pair, tap + i * walk->in_step + 2 * c, sizeof pair);
                        bonn_dot(&sums[b * pixels + i], pair, &weight);
                    }
                }
            }
        }
    }
#pragma clang loop unroll(full)
    for (int b = 0; b < blocks; b++) {
        const ptrdiff_t lanes = b == blocks - 1 ? valid : BONN_REAL_BLOCK;
#pragma clang loop unroll(full)
        for (int i = 0; i < pixels; i++) {
            store_lanes(y + i * walk->out_step + b * BONN_REAL_BLOCK, &sums[b * pixels + i],
                        scale + b * BONN_REAL_BLOCK, bias + b * BONN_REAL_BLOCK, lanes);
        }
    }
}

// Widens the input rows under the output row that starts at input row `origin`; one zero follows.
static void widen_rows(const bonn_conv2d_s8 *p, const int8_t *image, ptrdiff_t origin,
                       int16_t *scratch) {
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
            memset(scratch, 0, (size_t)(pixels * channels) * sizeof(int16_t));
            continue;
        }
        const int8_t *row = image + y * w->in_width * channels;
        int16_t *inside = scratch + begin * channels;
        memset(scratch, 0, (size_t)(begin * channels) * sizeof(int16_t));
        for (ptrdiff_t i = 0; i < (end - begin) * channels; i++) {
            inside[i] = row[i];
        }
        memset(scratch + end * channels, 0, (size_t)((pixels - end) * channels) * sizeof(int16_t));
    }
    *scratch = 0;
}

// `count` neighbouring pixels, at most PIXELS, of one block.
static void compute_pixels(const conv2d_s8_walk *walk, const int16_t *x, const int8_t *weights,
                           const float *scale, const float *bias, float *y, ptrdiff_t valid,
                           ptrdiff_t count) {
    switch (count) {
#define BONN_TILE(n)                                                                               \
    case n:                                                                                        \
        if (n <= PIXELS) {                                                                         \
            compute_tile(walk, x, weights, scale, bias, y, valid, n <= PIXELS ? n : 1, 1);         \
        }                                                                                          \
        break;
        BONN_TILE(1)
        BONN_TILE(2)
        BONN_TILE(3)
        BONN_TILE(4)
        BONN_TILE(5)
        BONN_TILE(6)
        BONN_TILE(7)
        BONN_TILE(8)
        BONN_TILE(9)
        BONN_TILE(10)
        BONN_TILE(11)
        BONN_TILE(12)
#undef BONN_TILE
    }
}

// All blocks of one row of outputs. x and y are those of the first group and channel.
static void compute_row(const bonn_conv2d_s8 *p, const conv2d_s8_walk *walk, const int16_t *x,
                        float *y, bonn_range blocks) {
    const ptrdiff_t count = p->window.out_width;
    const ptrdiff_t tiles = (count + PIXELS - 1) / PIXELS;
    for (ptrdiff_t block = blocks.begin; block < blocks.end;) {
        const ptrdiff_t group = block / p->blocks;
        const ptrdiff_t first = block % p->blocks * BONN_REAL_BLOCK;
        const ptrdiff_t left = p->out_channels - first;
        const int16_t *input = x + group * p->in_channels;
        const int8_t *weights = p->weights + block * walk->block_weights;
        const float *scale = p->scale + block * BONN_REAL_BLOCK;
        const float *bias = p->bias + block * BONN_REAL_BLOCK;
        float *output = y + group * p->out_channels + first;
        const ptrdiff_t others = (BLOCKS_OF_ONE_PIXEL - 1) * BONN_REAL_BLOCK;
        if (count == 1 && block + BLOCKS_OF_ONE_PIXEL <= blocks.end && left > others) {
            const ptrdiff_t last = left - others;
            compute_tile(walk, input, weights, scale, bias, output,
                         last < BONN_REAL_BLOCK ? last : BONN_REAL_BLOCK, 1, BLOCKS_OF_ONE_PIXEL);
            block += BLOCKS_OF_ONE_PIXEL;
            continue;
        }
        for (ptrdiff_t tile = 0; tile < tiles; tile++) {
            const ptrdiff_t begin = count * tile / tiles;
            compute_pixels(walk, input + begin * walk->in_step, weights, scale, bias,
                           output + begin * walk->out_step,
                           left < BONN_REAL_BLOCK ? left : BONN_REAL_BLOCK,
                           count * (tile + 1) / tiles - begin);
        }
        block++;
    }
}

void BONN_CONV2D_S8(const bonn_conv2d_s8 *p, const int8_t *x, float *y, bonn_range rows,
                    bonn_range blocks, int16_t *scratch) {
    const bonn_window *w = &p->window;
    const ptrdiff_t channels = p->groups * p->in_channels;
    const ptrdiff_t run = bonn_conv2d_s8_run(w, p->groups, p->in_channels);
    const conv2d_s8_walk walk = {
        .kernel_rows = w->kernel_height,
        .kernel_row_step = bonn_conv2d_row_pixels(w) * channels,
        .runs = w->kernel_width * p->in_channels / run,
        .run_step = w->dilation_width * channels,
        .run_pairs = (run + 1) / 2,
        .in_step = w->stride_width * channels,
        .out_step = p->groups * p->out_channels,
        .block_weights = bonn_conv2d_s8_block_weights(w, p->groups, p->in_channels),
    };
    for (ptrdiff_t row = rows.begin; row < rows.end; row++) {
        const bonn_output_row place = bonn_locate_row(w, row);
        widen_rows(p, x + place.image * w->in_height * w->in_width * channels, place.origin,
                   scratch);
        compute_row(p, &walk, scratch, y + row * w->out_width * walk.out_step, blocks);
    }
}
