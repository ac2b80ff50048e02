// The only place of the harness that knows in which form kernels want weights and parameters.
#ifndef HARNESS_TABLE_H
#define HARNESS_TABLE_H

#include "geometry.h"
#include "harness.h"

// A binary convolution as one level an int8_t, without any packing.
typedef struct {
    bonn_window window;
    ptrdiff_t images, groups;
    ptrdiff_t channels;     // of one group
    ptrdiff_t out_channels; // of one group
    int is_signed;          // levels {-1, +1}, else {0, 1}
    int padding;            // the value of an element in the padding: -1, 0 or 1
    const int8_t *x;        // [image][row][column][group][channel]
    const int8_t *w;        // [group][out channel][kernel row][kernel column][channel]
} binary_problem;

// The same problem in the form that the current set of the case reads, in guarded memory.
typedef struct {
    bonn_bconv2d parameters;
    const uint64_t *x;
    ptrdiff_t blocks; // of all groups
} binary_call;

binary_call table_prepare_binary(test_case *c, const binary_problem *p);

// The output channels, counted over all groups, of some blocks. Not all blocks are of one size.
bonn_range table_binary_channels(const binary_problem *p, bonn_range blocks);

// Writes the sums of those rows and channels to y: its first element is the first of them, and its
// pixels are `stride` apart.
void table_run_binary(test_case *c, const binary_call *call, int32_t *y, ptrdiff_t stride,
                      bonn_range rows, bonn_range blocks);

// Packs the weights [group][out channel][kernel row][kernel column][channel] and the bias
// [group][out channel] of a real convolution, in guarded memory and in the form that the current
// set reads.
void table_pack_real(test_case *c, bonn_conv2d *p, const float *weights, const float *bias);

// The output channels, counted over all groups, of some weight blocks of a convolution that is not
// binary and has `out_channels` in each group.
bonn_range table_real_channels(ptrdiff_t out_channels, bonn_range blocks);

void table_run_real(test_case *c, const bonn_conv2d *p, const float *x, float *y, bonn_range rows,
                    bonn_range blocks);

// Packs the weights [group][out channel][channel][kernel row][kernel column], and the scale and
// bias [group][out channel], of a convolution of signed bytes, in the order of the current set.
void table_pack_bytes(test_case *c, bonn_conv2d_s8 *p, const int8_t *weights, const float *scale,
                      const float *bias);

void table_run_bytes(test_case *c, const bonn_conv2d_s8 *p, const int8_t *x, float *y,
                     bonn_range rows, bonn_range blocks);

#endif
