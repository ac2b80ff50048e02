#include "table.h"

static ptrdiff_t ceil_divide(ptrdiff_t a, ptrdiff_t b) {
    return (a + b - 1) / b;
}

// Levels as bits, bit 1 for the low level.
static void pack_levels(const int8_t *levels, ptrdiff_t count, uint64_t *words) {
    for (ptrdiff_t c = 0; c < count; c++) {
        if (levels[c] != 1) {
            words[c / 64] |= UINT64_C(1) << (c % 64);
        }
    }
}

// Numbers the outputs of one axis by the taps that lie inside the image.
static ptrdiff_t number_classes(int32_t *class_of, bonn_range *taps_of, ptrdiff_t outputs,
                                ptrdiff_t taps, ptrdiff_t stride, ptrdiff_t pad, ptrdiff_t dilation,
                                ptrdiff_t size) {
    ptrdiff_t classes = 0;
    for (ptrdiff_t o = 0; o < outputs; o++) {
        bonn_range inside = {0, 0};
        for (ptrdiff_t t = 0; t < taps; t++) {
            if (geometry_tap(o, t, stride, pad, dilation, size) >= 0) {
                if (inside.end == 0) {
                    inside.begin = t;
                }
                inside.end = t + 1;
            }
        }
        ptrdiff_t class = 0;
        while (class < classes &&
               (taps_of[class].begin != inside.begin || taps_of[class].end != inside.end)) {
            class ++;
        }
        if (class == classes) {
            taps_of[classes++] = inside;
        }
        class_of[o] = (int32_t) class;
    }
    return classes;
}

// What does not depend on the input, as bconv2d/bconv2d.h defines it.
static int32_t base_of(const binary_problem *p, const int8_t *w, bonn_range rows,
                       bonn_range columns) {
    int64_t base = 0;
    for (ptrdiff_t ky = 0; ky < p->window.kernel_height; ky++) {
        for (ptrdiff_t kx = 0; kx < p->window.kernel_width; kx++) {
            const int8_t *tap = w + (ky * p->window.kernel_width + kx) * p->channels;
            int64_t sum = 0, low = 0;
            for (ptrdiff_t c = 0; c < p->channels; c++) {
                sum += tap[c];
                low += tap[c] < 0;
            }
            const int is_inside =
                ky >= rows.begin && ky < rows.end && kx >= columns.begin && kx < columns.end;
            base += is_inside ? (p->is_signed ? p->channels : p->channels - low) : p->padding * sum;
        }
    }
    return (int32_t)base;
}

// The weights in the order of the current set.
static const void *pack_weights(test_case *c, const binary_problem *p, const bonn_bconv2d *q) {
    const ptrdiff_t rows =
        p->groups * p->out_channels * p->window.kernel_height * p->window.kernel_width;
    const size_t bytes = (size_t)(rows * q->group_words) * sizeof(uint64_t);
    uint64_t *words = memory_take(bytes);
    for (ptrdiff_t row = 0; row < rows; row++) {
        pack_levels(p->w + row * p->channels, p->channels, words + row * q->group_words);
    }
    const uint64_t *from = memory_input(&c->random, words, bytes);
    ptrdiff_t packed_bytes = 0;
    CASE_CALL(c, packed_bytes = c->set->bconv2d_pack(q, from, NULL));
    void *packed = memory_output(&c->random, NULL, (size_t)packed_bytes);
    CASE_CALL(c, c->set->bconv2d_pack(q, from, packed));
    return memory_input(&c->random, packed, (size_t)packed_bytes);
}

binary_call table_prepare_binary(test_case *c, const binary_problem *p) {
    generator *g = &c->random;
    const bonn_window *w = &p->window;
    const ptrdiff_t words = ceil_divide(p->channels, 64);
    const ptrdiff_t outputs = p->groups * p->out_channels;
    binary_call call = {.blocks = p->groups * ceil_divide(p->out_channels, BONN_BINARY_BLOCK)};
    bonn_bconv2d *q = &call.parameters;
    q->window = *w;
    q->groups = p->groups;
    q->in_channels = p->channels;
    q->out_channels = p->out_channels;
    q->group_words = words;
    q->pixel_words = p->groups * words;
    q->shift = p->is_signed;
    q->weights = pack_weights(c, p, q);

    const ptrdiff_t pixels = p->images * w->in_height * w->in_width;
    uint64_t *x = memory_take((size_t)(pixels * q->pixel_words) * sizeof *x);
    for (ptrdiff_t i = 0; i < pixels * p->groups; i++) {
        pack_levels(p->x + i * p->channels, p->channels, x + i * words);
    }
    call.x = memory_input(g, x, (size_t)(pixels * q->pixel_words) * sizeof *x);

    int32_t *row_class = memory_take((size_t)w->out_height * sizeof *row_class);
    int32_t *column_class = memory_take((size_t)w->out_width * sizeof *column_class);
    bonn_range *rows = memory_take((size_t)w->out_height * sizeof *rows);
    bonn_range *columns = memory_take((size_t)w->out_width * sizeof *columns);
    const ptrdiff_t row_classes =
        number_classes(row_class, rows, w->out_height, w->kernel_height, w->stride_height,
                       w->pad_top, w->dilation_height, w->in_height);
    q->column_classes =
        number_classes(column_class, columns, w->out_width, w->kernel_width, w->stride_width,
                       w->pad_left, w->dilation_width, w->in_width);
    const ptrdiff_t base_count = row_classes * q->column_classes * outputs;
    const ptrdiff_t depth = w->kernel_height * w->kernel_width * p->channels;
    int32_t *bases = memory_take((size_t)base_count * sizeof *bases);
    for (ptrdiff_t i = 0; i < base_count; i++) {
        const ptrdiff_t class = i / outputs;
        bases[i] = base_of(p, p->w + i % outputs * depth, rows[class / q->column_classes],
                           columns[class % q->column_classes]);
    }
    q->bases = memory_input(g, bases, (size_t)base_count * sizeof *bases);
    q->row_class = memory_input(g, row_class, (size_t)w->out_height * sizeof *row_class);
    q->column_class = memory_input(g, column_class, (size_t)w->out_width * sizeof *column_class);
    return call;
}

static ptrdiff_t first_channel(const binary_problem *p, ptrdiff_t block) {
    const ptrdiff_t blocks = ceil_divide(p->out_channels, BONN_BINARY_BLOCK);
    return block / blocks * p->out_channels + block % blocks * BONN_BINARY_BLOCK;
}

bonn_range table_binary_channels(const binary_problem *p, bonn_range blocks) {
    return (bonn_range){first_channel(p, blocks.begin), first_channel(p, blocks.end)};
}

void table_run_binary(test_case *c, const binary_call *call, int32_t *y, ptrdiff_t stride,
                      bonn_range rows, bonn_range blocks) {
    CASE_CALL(c, c->set->bconv2d(&call->parameters, call->x, y, stride, rows, blocks));
}

void table_pack_real(test_case *c, bonn_conv2d *p, const float *weights, const float *bias) {
    const ptrdiff_t depth = p->window.kernel_height * p->window.kernel_width * p->in_channels;
    p->blocks = ceil_divide(p->out_channels, BONN_REAL_BLOCK);
    const ptrdiff_t lanes = p->groups * p->blocks * BONN_REAL_BLOCK;
    float *packed = memory_take((size_t)(lanes * depth) * sizeof *packed);
    float *packed_bias = memory_take((size_t)lanes * sizeof *packed_bias);
    for (ptrdiff_t k = 0; k < p->groups * p->out_channels; k++) {
        const ptrdiff_t channel = k % p->out_channels;
        const ptrdiff_t block = k / p->out_channels * p->blocks + channel / BONN_REAL_BLOCK;
        const ptrdiff_t lane = channel % BONN_REAL_BLOCK;
        for (ptrdiff_t i = 0; i < depth; i++) {
            packed[(block * depth + i) * BONN_REAL_BLOCK + lane] = weights[k * depth + i];
        }
        packed_bias[block * BONN_REAL_BLOCK + lane] = bias[k];
    }
    p->weights = memory_input(&c->random, packed, (size_t)(lanes * depth) * sizeof *packed);
    p->bias = memory_input(&c->random, packed_bias, (size_t)lanes * sizeof *packed_bias);
}

bonn_range table_real_channels(ptrdiff_t out_channels, bonn_range blocks) {
    const ptrdiff_t group_blocks = ceil_divide(out_channels, BONN_REAL_BLOCK);
    const ptrdiff_t ends[] = {blocks.begin, blocks.end};
    ptrdiff_t channels[2];
    for (int i = 0; i < 2; i++) {
        channels[i] =
            ends[i] / group_blocks * out_channels + ends[i] % group_blocks * BONN_REAL_BLOCK;
    }
    return (bonn_range){channels[0], channels[1]};
}

void table_run_real(test_case *c, const bonn_conv2d *p, const float *x, float *y, bonn_range rows,
                    bonn_range blocks) {
    void *scratch = memory_output(&c->random, NULL, (size_t)bonn_conv2d_scratch(p));
    CASE_CALL(c, c->set->conv2d(p, x, y, rows, blocks, scratch));
}

// One float for every output channel as [group][block][BONN_REAL_BLOCK].
static const float *pack_channels(test_case *c, const bonn_conv2d_s8 *p, const float *values) {
    const ptrdiff_t lanes = p->groups * p->blocks * BONN_REAL_BLOCK;
    float *packed = memory_take((size_t)lanes * sizeof *packed);
    for (ptrdiff_t k = 0; k < p->groups * p->out_channels; k++) {
        packed[k / p->out_channels * p->blocks * BONN_REAL_BLOCK + k % p->out_channels] = values[k];
    }
    return memory_input(&c->random, packed, (size_t)lanes * sizeof *packed);
}

void table_pack_bytes(test_case *c, bonn_conv2d_s8 *p, const int8_t *weights, const float *scale,
                      const float *bias) {
    p->blocks = ceil_divide(p->out_channels, BONN_REAL_BLOCK);
    const ptrdiff_t count = p->groups * p->out_channels * p->in_channels * p->window.kernel_height *
                            p->window.kernel_width;
    const int8_t *from = memory_input(&c->random, weights, (size_t)count);
    ptrdiff_t bytes = 0;
    CASE_CALL(c, bytes = c->set->conv2d_s8_pack(p, from, NULL));
    void *packed = memory_output(&c->random, NULL, (size_t)bytes);
    CASE_CALL(c, c->set->conv2d_s8_pack(p, from, packed));
    p->weights = memory_input(&c->random, packed, (size_t)bytes);
    p->scale = pack_channels(c, p, scale);
    p->bias = pack_channels(c, p, bias);
}

void table_run_bytes(test_case *c, const bonn_conv2d_s8 *p, const int8_t *x, float *y,
                     bonn_range rows, bonn_range blocks) {
    void *scratch = memory_output(&c->random, NULL, (size_t)bonn_conv2d_s8_scratch(p));
    CASE_CALL(c, c->set->conv2d_s8(p, x, y, rows, blocks, scratch));
}
