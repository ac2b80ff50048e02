// Pooling against plain loops over the taps of every window.
#include "geometry.h"
#include <math.h>

typedef struct {
    bonn_pool parameters;
    ptrdiff_t images, rows; // rows of all images
    ptrdiff_t in_pixels, out_pixels;
} pool_problem;

static pool_problem random_pool(test_case *c) {
    generator *g = &c->random;
    window_wish wish = {.max_height = 9, .max_width = 12, .every_window_holds_an_element = 1};
    geometry_kernel(g, c->index, &wish.kernel_height, &wish.kernel_width);
    pool_problem p = {.images = generator_integer(g, 1, 3)};
    p.parameters.window = geometry_window(g, &wish);
    p.parameters.channels =
        generator_one_in(g, 8) ? generator_integer(g, 131, 300) : (ptrdiff_t)(c->index % 130 + 1);
    p.parameters.counts_padding = generator_one_in(g, 2);
    const bonn_window *w = &p.parameters.window;
    p.rows = p.images * w->out_height;
    p.in_pixels = p.images * w->in_height * w->in_width;
    p.out_pixels = p.rows * w->out_width;
    case_describe(c, "%s, %td channels, %td images, divisor %s", geometry_text(w),
                  p.parameters.channels, p.images,
                  p.parameters.counts_padding ? "window" : "elements");
    return p;
}

// What one value takes from the elements of its window, one after the other.
typedef struct {
    float largest;
    double sum;
    ptrdiff_t elements;
} pooled;

static pooled pool_window(const pool_problem *p, const float *x, ptrdiff_t row, ptrdiff_t column,
                          ptrdiff_t channel) {
    const bonn_window *w = &p->parameters.window;
    pooled result = {-INFINITY, 0, 0};
    for (ptrdiff_t ky = 0; ky < w->kernel_height; ky++) {
        for (ptrdiff_t kx = 0; kx < w->kernel_width; kx++) {
            const ptrdiff_t y = geometry_row(w, row % w->out_height, ky);
            const ptrdiff_t at = geometry_column(w, column, kx);
            if (y < 0 || at < 0) {
                continue;
            }
            const ptrdiff_t pixel = (row / w->out_height * w->in_height + y) * w->in_width + at;
            const float value = x[pixel * p->parameters.channels + channel];
            if (isnan(value) || value > result.largest) {
                result.largest = isnan(result.largest) ? result.largest : value;
            }
            result.sum += (double)value;
            result.elements++;
        }
    }
    return result;
}

static void real_pool(test_case *c, int is_average) {
    generator *g = &c->random;
    const pool_problem p = random_pool(c);
    const bonn_window *w = &p.parameters.window;
    const ptrdiff_t channels = p.parameters.channels;
    float *x = memory_take((size_t)(p.in_pixels * channels) * sizeof *x);
    for (ptrdiff_t i = 0; i < p.in_pixels * channels; i++) {
        x[i] = generator_real(g);
    }
    const ptrdiff_t count = p.out_pixels * channels;
    float *expected = memory_take((size_t)count * sizeof *expected);
    float *before = memory_take((size_t)count * sizeof *before);
    for (int s = 0; s < tested_set_count; s++) {
        c->set = tested_sets[s];
        memory_reset();
        const float *input = memory_input(g, x, (size_t)(p.in_pixels * channels) * sizeof *x);
        float *y = memory_output(g, before, (size_t)count * sizeof *y);
        const bonn_range part = geometry_part(g, p.rows);
        for (ptrdiff_t i = 0; i < count; i++) {
            const ptrdiff_t row = i / channels / w->out_width;
            expected[i] = before[i];
            if (row >= part.begin && row < part.end) {
                const pooled result =
                    pool_window(&p, x, row, i / channels % w->out_width, i % channels);
                const ptrdiff_t divisor = p.parameters.counts_padding
                                              ? w->kernel_height * w->kernel_width
                                              : result.elements;
                expected[i] = is_average ? (float)(result.sum / (double)divisor) : result.largest;
            }
        }
        if (is_average) {
            CASE_CALL(c, c->set->average_pool_f32(&p.parameters, input, y, part));
        } else {
            CASE_CALL(c, c->set->max_pool_f32(&p.parameters, input, y, part));
        }
        case_compare_f32(c, expected, y, count);
    }
}

void max_pool_f32_case(test_case *c) {
    real_pool(c, 0);
}

void average_pool_f32_case(test_case *c) {
    real_pool(c, 1);
}

void max_pool_b1_case(test_case *c) {
    generator *g = &c->random;
    const pool_problem p = random_pool(c);
    const bonn_window *w = &p.parameters.window;
    const ptrdiff_t channels = p.parameters.channels, words = (channels + 63) / 64;
    // The levels as real numbers, pooled as such: bit 1 is the low level.
    float *levels = memory_take((size_t)(p.in_pixels * channels) * sizeof *levels);
    uint64_t *x = memory_take((size_t)(p.in_pixels * words) * sizeof *x);
    for (ptrdiff_t i = 0; i < p.in_pixels * channels; i++) {
        levels[i] = generator_one_in(g, 3) ? 1 : -1;
        if (levels[i] < 0) {
            x[i / channels * words + i % channels / 64] |= UINT64_C(1) << (i % channels % 64);
        }
    }
    const ptrdiff_t count = p.out_pixels * words;
    uint64_t *expected = memory_take((size_t)count * sizeof *expected);
    uint64_t *before = memory_take((size_t)count * sizeof *before);
    for (ptrdiff_t i = 0; i < count; i++) {
        before[i] = generator_next(g);
    }
    for (int s = 0; s < tested_set_count; s++) {
        c->set = tested_sets[s];
        memory_reset();
        const uint64_t *input = memory_input(g, x, (size_t)(p.in_pixels * words) * sizeof *x);
        uint64_t *y = memory_output(g, before, (size_t)count * sizeof *y);
        const bonn_range part = geometry_part(g, p.rows);
        for (ptrdiff_t i = 0; i < count; i++) {
            const ptrdiff_t row = i / words / w->out_width, first = i % words * 64;
            expected[i] = before[i];
            if (row < part.begin || row >= part.end) {
                continue;
            }
            expected[i] = 0;
            for (ptrdiff_t k = first; k < channels && k < first + 64; k++) {
                const pooled result = pool_window(&p, levels, row, i / words % w->out_width, k);
                expected[i] |= (uint64_t)(result.largest < 0) << (k - first);
            }
        }
        CASE_CALL(c, c->set->max_pool_b1(&p.parameters, input, y, part));
        case_compare_u64(c, expected, y, count);
    }
}
