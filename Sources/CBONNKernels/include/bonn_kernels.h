// The kernels of the 1-bit runtime, as Swift sees them: one table of functions an instruction set.
//
// Layouts (README.md has the whole contract): values are [image][row][column][channel], channels
// without padding; packed bits are [image][row][column][word], channel c in bit c % 64 of word
// c / 64, bit 1 for the low level (-1, or 0), bits past the last channel 0. A kernel reads and
// writes nothing outside the elements that its arguments name, needs no alignment beyond that of
// the element type, allocates nothing and keeps no state.
#ifndef BONN_KERNELS_H
#define BONN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

#ifdef __cplusplus
extern "C" {
#endif

// How many output channels of a group the work on a binary convolution is divided into. The bits of
// a block are one word, so that no two parts write into the same word.
#define BONN_BINARY_BLOCK 64

// How many output channels a block of packed real weights holds, in every kernel set.
#define BONN_REAL_BLOCK 16

// A half-open range of output rows (counted over all images of the batch) or of weight blocks.
typedef struct {
    ptrdiff_t begin, end;
} bonn_range;

// The geometry of a sliding window.
typedef struct {
    ptrdiff_t in_height, in_width, out_height, out_width;
    ptrdiff_t kernel_height, kernel_width, stride_height, stride_width;
    ptrdiff_t pad_top, pad_left, dilation_height, dilation_width;
    // The rows, counted over all images, that the input of a pooling and the real output start
    // with: 0 unless only some rows are in memory.
    ptrdiff_t in_row, out_row;
} bonn_window;

// The taps [begin, end) along one axis whose positions origin + tap * dilation lie in [0, size).
// They are always neighbours, so the taps inside an image form a rectangle.
static inline bonn_range bonn_taps_inside(ptrdiff_t origin, ptrdiff_t taps, ptrdiff_t dilation,
                                          ptrdiff_t size) {
    ptrdiff_t begin = origin >= 0 ? 0 : (-origin + dilation - 1) / dilation;
    ptrdiff_t end = origin >= size ? 0 : (size - 1 - origin) / dilation + 1;
    if (begin > taps) {
        begin = taps;
    }
    if (end > taps) {
        end = taps;
    }
    return (bonn_range){begin, end > begin ? end : begin};
}

// A binary convolution; bconv2d/bconv2d.h derives the arithmetic.
typedef struct {
    bonn_window window;
    ptrdiff_t groups;
    ptrdiff_t in_channels;  // of one group
    ptrdiff_t out_channels; // of one group
    ptrdiff_t group_words;  // words that hold the input channels of one group
    ptrdiff_t pixel_words;  // words from one input pixel to the next
    ptrdiff_t shift;        // log2 of what one disagreement costs: 1 signed, 0 unsigned levels
    // As the kernel set's bconv2d_pack wrote them; like all pointers here NULL while it does.
    const void *_Nullable weights;
    const int32_t *_Nullable bases;        // [row class][column class][groups * out_channels]
    const int32_t *_Nullable row_class;    // [out_height]
    const int32_t *_Nullable column_class; // [out_width]
    ptrdiff_t column_classes;
} bonn_bconv2d;

// A real convolution with zero padding; see conv2d/conv2d_f32.h.
typedef struct {
    bonn_window window;
    ptrdiff_t groups;
    ptrdiff_t in_channels;  // of one group
    ptrdiff_t out_channels; // of one group
    ptrdiff_t blocks;       // weight blocks of one group
    const float *weights; // [group][block][kernel row][kernel column][in channel][BONN_REAL_BLOCK]
    const float *bias;    // [group][block][BONN_REAL_BLOCK]
} bonn_conv2d;

// A convolution of signed bytes with zero padding; see conv2d_s8/conv2d_s8.h.
typedef struct {
    bonn_window window;
    ptrdiff_t groups;
    ptrdiff_t in_channels;  // of one group
    ptrdiff_t out_channels; // of one group
    ptrdiff_t blocks;       // weight blocks of one group
    // As the kernel set's conv2d_s8_pack wrote them; like all pointers here NULL while it does.
    const void *_Nullable weights;
    const float *_Nullable scale; // [group][block][BONN_REAL_BLOCK]
    const float *_Nullable bias;  // the same; -0 where there is none
} bonn_conv2d_s8;

// A real convolution in which every channel is a group of its own.
typedef struct {
    bonn_window window;
    ptrdiff_t channels;
    const float *weights; // [kernel row][kernel column][channels]
    const float *bias;    // [channels]
} bonn_depthwise;

// A pooling window over values of `channels` channels.
typedef struct {
    bonn_window window;
    ptrdiff_t channels;
    int counts_padding; // average pooling: the divisor is the size of the window
} bonn_pool;

// What a step of a map does to every value v of channel c. A NaN stays a NaN.
typedef enum {
    BONN_MAP_AFFINE,          // fl(fl(v * first[c]) + second[c])
    BONN_MAP_SCALE,           // fl(v * first[c])
    BONN_MAP_ADD,             // fl(v + operand)
    BONN_MAP_MULTIPLY,        // fl(v * operand)
    BONN_MAP_MULTIPLY_PIXELS, // fl(v * operand), one operand a pixel
    BONN_MAP_PRELU,           // v >= 0 ? v : fl(first[c] * v)
    BONN_MAP_RELU,            // v < 0 ? 0 : v
    BONN_MAP_HARDTANH,        // v < -1 ? -1 : v > 1 ? 1 : v
    BONN_MAP_SIGMOID,         // 1 / (1 + exp(-v)); see map/sigmoid.h
} bonn_map_operation;

typedef struct {
    bonn_map_operation operation;
    const float *_Nullable first, *_Nullable second; // [channels]
    // The second addend or factor, one float for every value, whose pixels are y_stride apart; or
    // one float a pixel, next to each other.
    const float *_Nullable operand;
} bonn_map_step;

// One threshold a channel. With s = flip[c], high means (v ^ s) >= threshold[c], where v ^ s is
// -v for real and ~v for integer values when the comparison is "at most", v otherwise; both turn
// the order around without rounding or overflow. `threshold` already holds t ^ s. A NaN is low.
// The packed byte is (low & keep) | forced: constant channels and the tail have keep = 0.
typedef struct {
    const void *values;   // float or int32_t, [channels]
    const uint32_t *flip; // [channels]
    const uint8_t *keep;  // [bytes], channel c in bit c % 8 of byte c / 8
    const uint8_t *forced;
    ptrdiff_t bytes; // to write a pixel: those of the channels, and zeros up to the end of the word
} bonn_threshold;

// A chain of element-wise steps over [pixel][channel], each step one IEEE float32 operation after
// the other, never fused.
typedef struct {
    ptrdiff_t channels;
    const bonn_map_step *steps;
    ptrdiff_t count;
    const bonn_threshold *_Nullable threshold; // of the last step's value, or none
} bonn_map;

// Where a run of bits lies in the words of every pixel, and where it goes.
typedef struct {
    ptrdiff_t bits;
    ptrdiff_t from_bit, from_words; // first bit in a source pixel; words from pixel to pixel
    ptrdiff_t to_bit, to_words;
} bonn_bit_run;

// The type of the function of an operation of kernels.inc is bonn_<operation>_fn.

// Bytes that the weights of a binary convolution take in the order of this kernel set; writes them
// to `packed`, if there is one, from [groups * out_channels][kernel row][kernel column][word].
// Reads no weights, bases or classes of `p`.
typedef ptrdiff_t bonn_bconv2d_pack_fn(const bonn_bconv2d *p, const uint64_t *words,
                                       void *_Nullable packed);
// Integer sums of a binary convolution: of the rows, and of the blocks of BONN_BINARY_BLOCK output
// channels, counted over all groups. y is the first row's first column in the first block's first
// channel; pixels are y_stride apart, rows out_width * y_stride.
typedef void bonn_bconv2d_fn(const bonn_bconv2d *p, const uint64_t *x, int32_t *y,
                             ptrdiff_t y_stride, bonn_range rows, bonn_range blocks);
// Real convolution; `scratch` holds bonn_conv2d_scratch(p) bytes.
typedef void bonn_conv2d_fn(const bonn_conv2d *p, const float *x, float *y, bonn_range rows,
                            bonn_range blocks, void *scratch);
// Convolution of signed bytes; `scratch` holds bonn_conv2d_s8_scratch(p) bytes.
typedef void bonn_conv2d_s8_fn(const bonn_conv2d_s8 *p, const int8_t *x, float *y, bonn_range rows,
                               bonn_range blocks, void *scratch);
// Bytes that the weights of a convolution of signed bytes take in the order of this kernel set;
// writes them to `packed`, if there is one, from [groups * out_channels][in channel][kernel
// row][kernel column]. Reads no weights, scale or bias of `p`.
typedef ptrdiff_t bonn_conv2d_s8_pack_fn(const bonn_conv2d_s8 *p, const int8_t *weights,
                                         void *_Nullable packed);
// y = x * inverse_scale to the nearest integer, ties to even, within -127...127; a NaN gives -127.
typedef void bonn_quantize_fn(const float *x, float inverse_scale, int8_t *y, ptrdiff_t count);
typedef void bonn_depthwise_fn(const bonn_depthwise *p, const float *x, float *y, bonn_range rows);
// Applies the steps to x, whose pixels are x_stride elements apart, and writes the values to y, if
// there is one, with pixels y_stride apart, and their packed bits, if the map has a threshold, with
// pixels bits_stride bytes apart. y may be x or an operand that has a float for every value.
typedef void bonn_map_f32_fn(const bonn_map *p, const float *x, ptrdiff_t x_stride,
                             float *_Nullable y, ptrdiff_t y_stride, uint8_t *_Nullable bits,
                             ptrdiff_t bits_stride, ptrdiff_t pixels);
// As map_f32 on integers, which the first step converts. Without any step the threshold is one for
// integers, and there is no y.
typedef void bonn_map_i32_fn(const bonn_map *p, const int32_t *x, ptrdiff_t x_stride,
                             float *_Nullable y, ptrdiff_t y_stride, uint8_t *_Nullable bits,
                             ptrdiff_t bits_stride, ptrdiff_t pixels);
// Pooling. Every window must hold at least one element of the image.
typedef void bonn_max_pool_f32_fn(const bonn_pool *p, const float *x, float *y, bonn_range rows);
typedef bonn_max_pool_f32_fn bonn_average_pool_f32_fn;
typedef void bonn_max_pool_b1_fn(const bonn_pool *p, const uint64_t *x, uint64_t *y,
                                 bonn_range rows);
// [rows][columns], with rows x_stride elements apart, to [columns][rows].
typedef void bonn_transpose_u32_fn(const uint32_t *x, ptrdiff_t x_stride, uint32_t *y,
                                   ptrdiff_t rows, ptrdiff_t columns);
// Copies `channels` elements from every `from_stride` to every `to_stride` elements.
typedef void bonn_copy_u32_fn(const uint32_t *x, ptrdiff_t from_stride, uint32_t *y,
                              ptrdiff_t to_stride, ptrdiff_t channels, ptrdiff_t pixels);
// Copies a run of bits a pixel into words whose bits there are 0.
typedef void bonn_copy_b1_fn(const bonn_bit_run *p, const uint64_t *x, uint64_t *y,
                             ptrdiff_t pixels);
// The bits of one image from [pixel][channel] to [channel][pixel], into words that are 0.
typedef void bonn_flatten_b1_fn(const uint64_t *x, uint64_t *y, ptrdiff_t pixels,
                                ptrdiff_t channels);

// One implementation of every operation. All sets compute the same bits.
typedef struct {
    const char *name;
    bonn_bconv2d_fn *bconv2d;
    bonn_bconv2d_pack_fn *bconv2d_pack;
    bonn_conv2d_fn *conv2d;
    bonn_conv2d_s8_fn *conv2d_s8;
    bonn_conv2d_s8_pack_fn *conv2d_s8_pack;
    bonn_quantize_fn *quantize;
    bonn_depthwise_fn *depthwise;
    bonn_map_f32_fn *map_f32;
    bonn_map_i32_fn *map_i32;
    bonn_max_pool_f32_fn *max_pool_f32;
    bonn_max_pool_b1_fn *max_pool_b1;
    bonn_average_pool_f32_fn *average_pool_f32;
    bonn_transpose_u32_fn *transpose_u32;
    bonn_copy_u32_fn *copy_u32;
    bonn_copy_b1_fn *copy_b1;
    bonn_flatten_b1_fn *flatten_b1;
} bonn_kernel_set;

// The kernel sets of this build, slowest first, and whether this processor and its operating
// system can run them. Set 0, "scalar", always runs.
ptrdiff_t bonn_kernel_set_count(void);
const bonn_kernel_set *bonn_kernel_set_at(ptrdiff_t index);
int bonn_kernel_set_runs(ptrdiff_t index);

// Input pixels of one row under all output pixels of a real convolution, padding included.
static inline ptrdiff_t bonn_conv2d_row_pixels(const bonn_window *w) {
    return (w->out_width - 1) * w->stride_width + (w->kernel_width - 1) * w->dilation_width + 1;
}

// Whether no output of a window touches the padding.
static inline int bonn_conv2d_reads_in_place(const bonn_window *w) {
    const ptrdiff_t rows =
        (w->out_height - 1) * w->stride_height + (w->kernel_height - 1) * w->dilation_height + 1;
    return w->pad_top == 0 && w->pad_left == 0 && rows <= w->in_height &&
           bonn_conv2d_row_pixels(w) <= w->in_width;
}

// Bytes of scratch that one thread needs for a real convolution.
static inline ptrdiff_t bonn_conv2d_scratch(const bonn_conv2d *p) {
    if (bonn_conv2d_reads_in_place(&p->window)) {
        return 0;
    }
    ptrdiff_t row = bonn_conv2d_row_pixels(&p->window) * p->groups * p->in_channels;
    return p->window.kernel_height * row * (ptrdiff_t)sizeof(float);
}

// How many neighbouring inputs of a kernel row one run of a convolution holds: all of them, unless
// dilation or groups leave gaps. `in_channels` are those of one group.
static inline ptrdiff_t bonn_conv2d_run(const bonn_window *w, ptrdiff_t groups,
                                        ptrdiff_t in_channels) {
    return in_channels * (groups == 1 && w->dilation_width == 1 ? w->kernel_width : 1);
}

// Bytes of scratch that one thread needs for a convolution of signed bytes: at most two bytes an
// input, and three inputs behind the last row.
static inline ptrdiff_t bonn_conv2d_s8_scratch(const bonn_conv2d_s8 *p) {
    ptrdiff_t row = bonn_conv2d_row_pixels(&p->window) * p->groups * p->in_channels;
    return (p->window.kernel_height * row + 3) * (ptrdiff_t)sizeof(int16_t);
}

// A counter shared by the threads of a pool: Swift's own atomics need macOS 15. All accesses are
// sequentially consistent, so of two threads that each write one counter and then read the other's
// at least one sees what the other wrote.
typedef struct {
    uint64_t value;
} bonn_counter;

static inline uint64_t bonn_counter_load(const bonn_counter *counter) {
    return __atomic_load_n(&counter->value, __ATOMIC_SEQ_CST);
}

static inline void bonn_counter_store(bonn_counter *counter, uint64_t value) {
    __atomic_store_n(&counter->value, value, __ATOMIC_SEQ_CST);
}

static inline void bonn_counter_add(bonn_counter *counter, uint64_t value) {
    __atomic_fetch_add(&counter->value, value, __ATOMIC_SEQ_CST);
}

// Raises a counter to `value`, unless it is there already; says whether it did. Of several threads
// that raise it to one value only one does.
static inline int bonn_counter_raise(bonn_counter *counter, uint64_t value) {
    uint64_t found = bonn_counter_load(counter);
    return found < value && __atomic_compare_exchange_n(&counter->value, &found, value, 0,
                                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

// Tells the processor that this is a spin loop.
static inline void bonn_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#ifdef __cplusplus
}
#endif

#pragma clang assume_nonnull end

#endif
