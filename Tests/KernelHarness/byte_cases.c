// Signed bytes: convolutions with exact sums, and the rounding that makes them.
#include "table.h"
#include <math.h>

typedef struct {
    bonn_window window;
    ptrdiff_t images, groups;
    ptrdiff_t channels, out_channels; // of one group
    const int8_t *x;                  // [image][row][column][group][channel]
    const int8_t *w;                  // [group][out channel][channel][kernel row][kernel column]
    const float *scale;               // [group][out channel]
    const float *bias;                // the same
} byte_problem;

// As many products as a model may sum (BONNModelFormat/FormatLimits.swift); the largest sum of them
// is just below what 32 bits hold.
enum { MOST_PRODUCTS = 1 << 17 };

static ptrdiff_t in_count(const byte_problem *p) {
    return p->images * p->window.in_height * p->window.in_width * p->groups * p->channels;
}

static ptrdiff_t out_count(const byte_problem *p) {
    return p->images * p->window.out_height * p->window.out_width * p->groups * p->out_channels;
}

static ptrdiff_t depth_of(const byte_problem *p) {
    return p->window.kernel_height * p->window.kernel_width * p->channels;
}

// Bytes from `lowest` to 127, or all of them `lowest`.
static int8_t *random_bytes(generator *g, ptrdiff_t count, int lowest, int is_extreme) {
    int8_t *bytes = memory_take((size_t)count);
    for (ptrdiff_t i = 0; i < count; i++) {
        bytes[i] = is_extreme ? (int8_t)lowest : (int8_t)generator_integer(g, lowest, 127);
    }
    return bytes;
}

static byte_problem random_problem(test_case *c) {
    generator *g = &c->random;
    const ptrdiff_t largest = generator_one_in(g, 10) ? 150000 : 20000;
    const int is_deep = c->index % 200 == 0;
    byte_problem p;
    do {
        const ptrdiff_t longest = generator_one_in(g, 3) ? 2 : 25;
        window_wish wish = {.max_height = generator_one_in(g, 4) ? 1 : 8, .max_width = longest};
        geometry_kernel(g, c->index, &wish.kernel_height, &wish.kernel_width);
        p = (byte_problem){.images = generator_integer(g, 1, 2),
                           .window = geometry_window(g, &wish)};
        p.groups = generator_one_in(g, 4) ? generator_integer(g, 2, 4) : 1;
        p.channels = generator_integer(g, 1, generator_one_in(g, 4) ? 130 : 9);
        p.out_channels = generator_integer(g, 1, generator_one_in(g, 4) ? 100 : 35);
    } while (out_count(&p) * depth_of(&p) > largest);
    if (is_deep) {
        p = (byte_problem){.images = 1, .groups = 1, .channels = MOST_PRODUCTS, .out_channels = 2};
        p.window = (bonn_window){1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0};
    }
    const int is_extreme = is_deep || generator_one_in(g, 8);
    const ptrdiff_t outputs = p.groups * p.out_channels;
    p.x = random_bytes(g, in_count(&p), -127, is_extreme);
    p.w = random_bytes(g, outputs * depth_of(&p), -128, is_extreme);
    float *scale = memory_take((size_t)outputs * sizeof *scale);
    float *bias = memory_take((size_t)outputs * sizeof *bias);
    for (ptrdiff_t i = 0; i < outputs; i++) {
        scale[i] = generator_real(g) * 1e-3f;
        bias[i] = generator_one_in(g, 3) ? -0.0f : generator_real(g);
    }
    p.scale = scale;
    p.bias = bias;
    case_describe(c, "%s, %td channels, %td outputs, %td groups, %td images, %s bytes",
                  geometry_text(&p.window), p.channels, p.out_channels, p.groups, p.images,
                  is_extreme ? "lowest" : "random");
    return p;
}

static float value_of(const byte_problem *p, ptrdiff_t pixel, ptrdiff_t output) {
    const bonn_window *w = &p->window;
    const ptrdiff_t row = pixel / w->out_width, image = row / w->out_height;
    const ptrdiff_t taps = w->kernel_height * w->kernel_width;
    const int8_t *weight = p->w + output * depth_of(p);
    int64_t sum = 0;
    for (ptrdiff_t ky = 0; ky < w->kernel_height; ky++) {
        const ptrdiff_t in_y = geometry_row(w, row % w->out_height, ky);
        for (ptrdiff_t kx = 0; kx < w->kernel_width; kx++, weight++) {
            const ptrdiff_t in_x = geometry_column(w, pixel % w->out_width, kx);
            if (in_y < 0 || in_x < 0) {
                continue;
            }
            const ptrdiff_t from = (image * w->in_height + in_y) * w->in_width + in_x;
            const int8_t *x = p->x + (from * p->groups + output / p->out_channels) * p->channels;
            for (ptrdiff_t k = 0; k < p->channels; k++) {
                sum += x[k] * weight[k * taps];
            }
        }
    }
    const float scaled = (float)sum * p->scale[output];
    return scaled + p->bias[output];
}

void conv2d_s8_case(test_case *c) {
    generator *g = &c->random;
    const byte_problem p = random_problem(c);
    const ptrdiff_t count = out_count(&p), outputs = p.groups * p.out_channels;
    float *values = memory_take((size_t)count * sizeof *values);
    float *before = memory_take((size_t)count * sizeof *before);
    float *expected = memory_take((size_t)count * sizeof *expected);
    for (ptrdiff_t i = 0; i < count; i++) {
        values[i] = value_of(&p, i / outputs, i % outputs);
        before[i] = generator_real(g);
    }
    for (int s = 0; s < tested_set_count; s++) {
        c->set = tested_sets[s];
        memory_reset();
        bonn_conv2d_s8 call = {.window = p.window,
                               .groups = p.groups,
                               .in_channels = p.channels,
                               .out_channels = p.out_channels};
        table_pack_bytes(c, &call, p.w, p.scale, p.bias);
        const bonn_range rows = geometry_part(g, p.images * p.window.out_height);
        const bonn_range blocks = geometry_part(g, p.groups * call.blocks);
        const bonn_range channels = table_real_channels(p.out_channels, blocks);
        const int8_t *x = memory_input(g, p.x, (size_t)in_count(&p));
        float *y = memory_output(g, before, (size_t)count * sizeof *y);
        table_run_bytes(c, &call, x, y, rows, blocks);
        for (ptrdiff_t i = 0; i < count; i++) {
            const ptrdiff_t row = i / outputs / p.window.out_width, channel = i % outputs;
            const int is_written = row >= rows.begin && row < rows.end &&
                                   channel >= channels.begin && channel < channels.end;
            expected[i] = is_written ? values[i] : before[i];
        }
        case_compare_f32(c, expected, y, count);
    }
}

void quantize_case(test_case *c) {
    generator *g = &c->random;
    const ptrdiff_t count = generator_integer(g, 1, 300);
    // A power of two puts many values exactly between two integers.
    const float inverse_scale = generator_one_in(g, 2) ? 2.0f : fabsf(generator_real(g)) * 100;
    case_describe(c, "%td values, scale 1 / %g", count, (double)inverse_scale);
    float *x = memory_take((size_t)count * sizeof *x);
    uint8_t *expected = memory_take((size_t)count);
    for (ptrdiff_t i = 0; i < count; i++) {
        x[i] =
            generator_one_in(g, 2) ? (float)generator_integer(g, -300, 300) / 4 : generator_real(g);
        const float scaled = x[i] * inverse_scale;
        const float bounded = scaled > -127 ? (scaled < 127 ? scaled : 127) : -127;
        expected[i] = (uint8_t)(int8_t)nearbyintf(bounded);
    }
    for (int s = 0; s < tested_set_count; s++) {
        c->set = tested_sets[s];
        memory_reset();
        const float *input = memory_input(g, x, (size_t)count * sizeof *x);
        int8_t *y = memory_output(g, NULL, (size_t)count);
        CASE_CALL(c, c->set->quantize(input, inverse_scale, y, count));
        case_compare_bytes(c, expected, (const uint8_t *)y, count);
    }
}
