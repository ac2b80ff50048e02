// Real convolutions against the definition: from the bias on, one fused multiply-add after the
// other over kernel rows, kernel columns and channels, with +0 in the padding.
#include "table.h"
#include <math.h>

typedef struct {
    bonn_window window;
    ptrdiff_t images, groups;
    ptrdiff_t channels, out_channels; // of one group
    const float *x;                   // [image][row][column][group][channel]
    const float *w;                   // [group][out channel][kernel row][kernel column][channel]
    const float *bias;                // [group][out channel]
} real_problem;

static ptrdiff_t in_count(const real_problem *p) {
    return p->images * p->window.in_height * p->window.in_width * p->groups * p->channels;
}

static ptrdiff_t out_count(const real_problem *p) {
    return p->images * p->window.out_height * p->window.out_width * p->groups * p->out_channels;
}

static ptrdiff_t depth_of(const real_problem *p) {
    return p->window.kernel_height * p->window.kernel_width * p->channels;
}

// Numbers like those of a network; of all exponents; or such that every product is next to half a
// unit in the last place of a sum that starts between 1 and 2, where rounding twice goes wrong.
typedef enum { USUAL, OF_ALL_SIZES, NEAR_TIES } value_kind;

static const char *const kind_names[] = {"usual values", "values of all sizes", "sums near ties"};

static float random_value(generator *g, value_kind kind) {
    if (kind == NEAR_TIES) {
        const float factor = ldexpf(1.0f, -12) * (generator_one_in(g, 2) ? 1.0f : -1.0f);
        const float off =
            ldexpf((float)generator_integer(g, -1, 1), -(int)generator_integer(g, 12, 23));
        return factor * (1.0f + off);
    }
    const float value = generator_real(g);
    return kind == USUAL ? value : ldexpf(value, (int)generator_integer(g, -90, 40));
}

static float *random_values(generator *g, ptrdiff_t count, value_kind kind) {
    float *values = memory_take((size_t)count * sizeof *values);
    for (ptrdiff_t i = 0; i < count; i++) {
        values[i] = random_value(g, kind);
    }
    return values;
}

static float *random_biases(generator *g, ptrdiff_t count, value_kind kind) {
    float *biases = random_values(g, count, kind);
    for (ptrdiff_t i = 0; kind == NEAR_TIES && i < count; i++) {
        biases[i] = 1.0f + ldexpf((float)generator_integer(g, 0, (1 << 23) - 1), -23);
    }
    return biases;
}

static real_problem random_problem(test_case *c, int is_depthwise) {
    generator *g = &c->random;
    const ptrdiff_t largest = generator_one_in(g, 10) ? 150000 : 20000;
    real_problem p;
    do {
        // One output at a time and long lines are computed in their own ways.
        const ptrdiff_t longest = generator_one_in(g, 4) ? 150 : generator_one_in(g, 3) ? 2 : 20;
        window_wish wish = {.max_height = generator_one_in(g, 4) ? 1 : 8, .max_width = longest};
        geometry_kernel(g, c->index, &wish.kernel_height, &wish.kernel_width);
        p = (real_problem){.images = generator_integer(g, 1, 2),
                           .window = geometry_window(g, &wish)};
        p.groups = is_depthwise             ? generator_integer(g, 1, 70)
                   : generator_one_in(g, 4) ? generator_integer(g, 2, 4)
                                            : 1;
        p.channels = is_depthwise ? 1 : generator_integer(g, 1, generator_one_in(g, 4) ? 130 : 9);
        p.out_channels =
            is_depthwise ? 1 : generator_integer(g, 1, generator_one_in(g, 4) ? 100 : 35);
    } while (out_count(&p) * depth_of(&p) > largest);
    const value_kind kind = (value_kind)generator_integer(g, USUAL, NEAR_TIES);
    const ptrdiff_t outputs = p.groups * p.out_channels;
    p.x = random_values(g, in_count(&p), kind);
    p.w = random_values(g, outputs * depth_of(&p), kind);
    p.bias = random_biases(g, outputs, kind);
    case_describe(c, "%s, %td channels, %td outputs, %td groups, %td images, %s",
                  geometry_text(&p.window), p.channels, p.out_channels, p.groups, p.images,
                  kind_names[kind]);
    return p;
}

static float sum_of(const real_problem *p, ptrdiff_t pixel, ptrdiff_t output) {
    const bonn_window *w = &p->window;
    const ptrdiff_t row = pixel / w->out_width, image = row / w->out_height;
    const float *weight = p->w + output * depth_of(p);
    float sum = p->bias[output];
    for (ptrdiff_t ky = 0; ky < w->kernel_height; ky++) {
        const ptrdiff_t in_y = geometry_row(w, row % w->out_height, ky);
        for (ptrdiff_t kx = 0; kx < w->kernel_width; kx++) {
            const ptrdiff_t in_x = geometry_column(w, pixel % w->out_width, kx);
            const ptrdiff_t from = (image * w->in_height + in_y) * w->in_width + in_x;
            const ptrdiff_t first = (from * p->groups + output / p->out_channels) * p->channels;
            for (ptrdiff_t k = 0; k < p->channels; k++, weight++) {
                sum = fmaf(in_y < 0 || in_x < 0 ? 0.0f : p->x[first + k], *weight, sum);
            }
        }
    }
    return sum;
}

static float *all_sums(const real_problem *p) {
    const ptrdiff_t count = out_count(p), outputs = p->groups * p->out_channels;
    float *sums = memory_take((size_t)count * sizeof *sums);
    for (ptrdiff_t i = 0; i < count; i++) {
        sums[i] = sum_of(p, i / outputs, i % outputs);
    }
    return sums;
}

// Whether a range of rows and one of channels hold element `i` of the output.
static int is_within(const real_problem *p, ptrdiff_t i, bonn_range rows, bonn_range channels) {
    const ptrdiff_t outputs = p->groups * p->out_channels;
    const ptrdiff_t row = i / outputs / p->window.out_width, channel = i % outputs;
    return row >= rows.begin && row < rows.end && channel >= channels.begin &&
           channel < channels.end;
}

static void compare_sums(test_case *c, const real_problem *p, const float *sums, const float *found,
                         const float *before, bonn_range rows, bonn_range channels) {
    const ptrdiff_t count = out_count(p);
    float *expected = memory_take((size_t)count * sizeof *expected);
    for (ptrdiff_t i = 0; i < count; i++) {
        expected[i] = is_within(p, i, rows, channels) ? sums[i] : before[i];
    }
    case_compare_f32(c, expected, found, count);
}

void conv2d_case(test_case *c) {
    generator *g = &c->random;
    const real_problem p = random_problem(c, 0);
    const float *sums = all_sums(&p), *before = random_values(g, out_count(&p), USUAL);
    for (int s = 0; s < tested_set_count; s++) {
        c->set = tested_sets[s];
        memory_reset();
        bonn_conv2d call = {.window = p.window,
                            .groups = p.groups,
                            .in_channels = p.channels,
                            .out_channels = p.out_channels};
        table_pack_real(c, &call, p.w, p.bias);
        const bonn_range rows = geometry_part(g, p.images * p.window.out_height);
        const bonn_range blocks = geometry_part(g, p.groups * call.blocks);
        const float *x = memory_input(g, p.x, (size_t)in_count(&p) * sizeof *x);
        float *y = memory_output(g, before, (size_t)out_count(&p) * sizeof *y);
        table_run_real(c, &call, x, y, rows, blocks);
        compare_sums(c, &p, sums, y, before, rows, table_real_channels(p.out_channels, blocks));
    }
}

void depthwise_case(test_case *c) {
    generator *g = &c->random;
    const real_problem p = random_problem(c, 1);
    const float *sums = all_sums(&p), *before = random_values(g, out_count(&p), USUAL);
    const ptrdiff_t taps = depth_of(&p);
    float *weights = memory_take((size_t)(p.groups * taps) * sizeof *weights);
    for (ptrdiff_t i = 0; i < p.groups * taps; i++) {
        weights[i] = p.w[i % p.groups * taps + i / p.groups];
    }
    for (int s = 0; s < tested_set_count; s++) {
        c->set = tested_sets[s];
        memory_reset();
        const bonn_depthwise call = {
            .window = p.window,
            .channels = p.groups,
            .weights = memory_input(g, weights, (size_t)(p.groups * taps) * sizeof *weights),
            .bias = memory_input(g, p.bias, (size_t)p.groups * sizeof *p.bias)};
        const bonn_range rows = geometry_part(g, p.images * p.window.out_height);
        const float *x = memory_input(g, p.x, (size_t)in_count(&p) * sizeof *x);
        float *y = memory_output(g, before, (size_t)out_count(&p) * sizeof *y);
        CASE_CALL(c, c->set->depthwise(&call, x, y, rows));
        compare_sums(c, &p, sums, y, before, rows, (bonn_range){0, p.groups});
    }
}
