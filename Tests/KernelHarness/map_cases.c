// Element-wise chains against one operation after the other on one value after the other.
#include "harness.h"
#include <math.h>
#include <string.h>

enum { MOST_STEPS = 5 };

typedef struct {
    bonn_map map;
    bonn_map_step steps[MOST_STEPS];
    bonn_threshold threshold;
    ptrdiff_t pixels, x_stride, y_stride, bits_stride;
    int is_integer, writes_values;
    int in_place; // the values take the place of the input or of an operand, not a new one
    int32_t *x;   // or floats
    ptrdiff_t x_count, y_count, bits_count;
} map_problem;

static ptrdiff_t span(ptrdiff_t pixels, ptrdiff_t stride, ptrdiff_t each) {
    return (pixels - 1) * stride + each;
}

static float *random_reals(generator *g, ptrdiff_t count) {
    float *values = memory_take((size_t)count * sizeof *values);
    for (ptrdiff_t i = 0; i < count; i++) {
        values[i] = generator_real(g);
    }
    return values;
}

static void choose_steps(generator *g, map_problem *p) {
    p->map.count = generator_integer(g, 0, MOST_STEPS);
    for (ptrdiff_t i = 0; i < p->map.count; i++) {
        bonn_map_step *step = &p->steps[i];
        step->operation =
            (bonn_map_operation)generator_integer(g, BONN_MAP_AFFINE, BONN_MAP_SIGMOID);
        if (step->operation <= BONN_MAP_SCALE || step->operation == BONN_MAP_PRELU) {
            step->first = random_reals(g, p->map.channels);
        }
        if (step->operation == BONN_MAP_AFFINE) {
            step->second = random_reals(g, p->map.channels);
        }
        if (step->operation == BONN_MAP_ADD || step->operation == BONN_MAP_MULTIPLY) {
            step->operand = random_reals(g, p->y_count);
        }
        if (step->operation == BONN_MAP_MULTIPLY_PIXELS) {
            step->operand = random_reals(g, p->pixels);
        }
    }
}

// Documentation/model-format.md, section 6, in the functions of the C library.
static float sigmoid(float v) {
    if (v != v) {
        return v;
    }
    const double t = fmax(-fabs((double)v), -128);
    const double n = rint(t * 0x1.71547652b82fep+0);
    const double product = n * 0x1.62e42fefa39efp-1;
    const double r = t - product;
    double sum = 0;
    for (int k = 10; k >= 0; k--) {
        const double scaled = sum * r;
        sum = scaled + 1 / tgamma(k + 1);
    }
    const double e = ldexp(sum, (int)n);
    return (float)((v >= 0 ? 1 : e) / (1 + e));
}

static float apply(const bonn_map_step *step, float v, ptrdiff_t pixel, ptrdiff_t channel,
                   ptrdiff_t stride) {
    switch (step->operation) {
    case BONN_MAP_AFFINE:
        v = v * step->first[channel];
        return v + step->second[channel];
    case BONN_MAP_SCALE:
        return v * step->first[channel];
    case BONN_MAP_ADD:
        return v + step->operand[pixel * stride + channel];
    case BONN_MAP_MULTIPLY:
        return v * step->operand[pixel * stride + channel];
    case BONN_MAP_MULTIPLY_PIXELS:
        return v * step->operand[pixel];
    case BONN_MAP_PRELU:
        return v >= 0 ? v : step->first[channel] * v;
    case BONN_MAP_RELU:
        return v < 0 ? 0 : v;
    case BONN_MAP_HARDTANH:
        return v < -1 ? -1 : v > 1 ? 1 : v;
    case BONN_MAP_SIGMOID:
        return sigmoid(v);
    }
    return v;
}

// The value of a pixel's channel behind the last step, as bits: of a float, or of an integer where
// no step turns it into one.
static uint32_t value_of(const map_problem *p, ptrdiff_t pixel, ptrdiff_t channel) {
    const int32_t from = p->x[pixel * p->x_stride + channel];
    uint32_t bits = (uint32_t)from;
    if (p->is_integer && p->map.count == 0) {
        return bits;
    }
    float v;
    memcpy(&v, &from, sizeof v);
    v = p->is_integer ? (float)from : v;
    for (ptrdiff_t i = 0; i < p->map.count; i++) {
        v = apply(&p->steps[i], v, pixel, channel, p->y_stride);
    }
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

// Half of the thresholds are ties with some value of their channel.
static void choose_threshold(generator *g, map_problem *p) {
    const ptrdiff_t channels = p->map.channels, bytes = (channels + 7) / 8;
    const int compares_integers = p->is_integer && p->map.count == 0;
    uint32_t *values = memory_take((size_t)channels * sizeof *values);
    uint32_t *flip = memory_take((size_t)channels * sizeof *flip);
    p->threshold.bytes = generator_one_in(g, 2) ? bytes : (bytes + 7) / 8 * 8;
    p->bits_stride = p->threshold.bytes + generator_integer(g, 0, 9);
    p->bits_count = span(p->pixels, p->bits_stride, p->threshold.bytes);
    uint8_t *keep = memory_take((size_t)p->threshold.bytes);
    uint8_t *forced = memory_take((size_t)p->threshold.bytes);
    for (ptrdiff_t k = 0; k < channels; k++) {
        flip[k] = generator_one_in(g, 2) ? 0 : compares_integers ? UINT32_MAX : 0x80000000u;
        const float real = generator_real(g);
        memcpy(&values[k], &real, sizeof values[k]);
        if (generator_one_in(g, 2)) {
            values[k] = value_of(p, generator_integer(g, 0, p->pixels - 1), k) ^ flip[k];
        } else if (compares_integers) {
            values[k] = (uint32_t)generator_integer(g, -300, 300);
        }
        const int is_constant = generator_one_in(g, 10);
        keep[k / 8] |= (uint8_t)(!is_constant << (k % 8));
        forced[k / 8] |= (uint8_t)((is_constant && generator_one_in(g, 2)) << (k % 8));
    }
    p->threshold.values = values;
    p->threshold.flip = flip;
    p->threshold.keep = keep;
    p->threshold.forced = forced;
    p->map.threshold = &p->threshold;
}

static int is_low(const map_problem *p, ptrdiff_t pixel, ptrdiff_t channel) {
    const uint32_t value = value_of(p, pixel, channel) ^ p->threshold.flip[channel];
    const void *threshold = (const uint32_t *)p->threshold.values + channel;
    if (p->is_integer && p->map.count == 0) {
        return (int32_t)value < *(const int32_t *)threshold;
    }
    float v;
    memcpy(&v, &value, sizeof v);
    return !(v >= *(const float *)threshold);
}

// The expected bytes of the bits; those between the pixels stay.
static uint8_t *expected_bits(const map_problem *p, const uint8_t *before) {
    uint8_t *bits = memory_take((size_t)p->bits_count);
    memcpy(bits, before, (size_t)p->bits_count);
    for (ptrdiff_t i = 0; i < p->pixels; i++) {
        uint8_t *pixel = bits + i * p->bits_stride;
        memset(pixel, 0, (size_t)p->threshold.bytes);
        for (ptrdiff_t k = 0; k < p->map.channels; k++) {
            const int keep = p->threshold.keep[k / 8] >> (k % 8) & 1;
            const int forced = p->threshold.forced[k / 8] >> (k % 8) & 1;
            pixel[k / 8] |= (uint8_t)(((keep && is_low(p, i, k)) || forced) << (k % 8));
        }
    }
    return bits;
}

// The map with everything it reads in guarded memory. Values that take the place of an operand get
// that operand's memory, which `y` then is.
static bonn_map guarded_map(test_case *c, const map_problem *p, bonn_map_step *steps,
                            bonn_threshold *threshold, float **y) {
    generator *g = &c->random;
    const size_t channel_bytes = (size_t)p->map.channels * sizeof(float);
    bonn_map map = p->map;
    for (ptrdiff_t i = 0; i < map.count; i++) {
        steps[i] = p->steps[i];
        if (steps[i].first) {
            steps[i].first = memory_input(g, p->steps[i].first, channel_bytes);
        }
        if (steps[i].second) {
            steps[i].second = memory_input(g, p->steps[i].second, channel_bytes);
        }
        if (steps[i].operand) {
            const int is_whole = steps[i].operation != BONN_MAP_MULTIPLY_PIXELS;
            const size_t bytes = (size_t)(is_whole ? p->y_count : p->pixels) * sizeof(float);
            if (is_whole && p->in_place && p->writes_values && !*y) {
                steps[i].operand = *y = memory_output(g, p->steps[i].operand, bytes);
            } else {
                steps[i].operand = memory_input(g, p->steps[i].operand, bytes);
            }
        }
    }
    map.steps = memory_input(g, steps, (size_t)map.count * sizeof *steps);
    if (map.threshold) {
        *threshold = p->threshold;
        threshold->values = memory_input(g, p->threshold.values, channel_bytes);
        threshold->flip = memory_input(g, p->threshold.flip, channel_bytes);
        threshold->keep = memory_input(g, p->threshold.keep, (size_t)threshold->bytes);
        threshold->forced = memory_input(g, p->threshold.forced, (size_t)threshold->bytes);
        map.threshold = threshold;
    }
    return map;
}

static void compare_set(test_case *c, const map_problem *p) {
    generator *g = &c->random;
    bonn_map_step steps[MOST_STEPS];
    bonn_threshold threshold;
    float *y = NULL;
    const bonn_map map = guarded_map(c, p, steps, &threshold, &y);
    const void *x = NULL;
    if (p->in_place && p->writes_values && !y && p->x_stride == p->y_stride) {
        x = y = memory_output(g, p->x, (size_t)p->x_count * sizeof *p->x);
    } else {
        x = memory_input(g, p->x, (size_t)p->x_count * sizeof *p->x);
    }
    float *expected = memory_take((size_t)p->y_count * sizeof *expected);
    if (p->writes_values) {
        if (!y) {
            const float *before = random_reals(g, p->y_count);
            y = memory_output(g, before, (size_t)p->y_count * sizeof *y);
        }
        memcpy(expected, y, (size_t)p->y_count * sizeof *expected);
        for (ptrdiff_t i = 0; i < p->pixels * p->map.channels; i++) {
            const ptrdiff_t pixel = i / p->map.channels, channel = i % p->map.channels;
            const uint32_t value = value_of(p, pixel, channel);
            memcpy(expected + pixel * p->y_stride + channel, &value, sizeof value);
        }
    }
    uint8_t *bits = NULL, *expected_bytes = NULL;
    if (map.threshold) {
        bits = memory_output(g, NULL, (size_t)p->bits_count);
        expected_bytes = expected_bits(p, bits);
    }
    if (p->is_integer) {
        CASE_CALL(c, c->set->map_i32(&map, x, p->x_stride, y, p->y_stride, bits, p->bits_stride,
                                     p->pixels));
    } else {
        CASE_CALL(c, c->set->map_f32(&map, x, p->x_stride, y, p->y_stride, bits, p->bits_stride,
                                     p->pixels));
    }
    if (bits) {
        case_compare_bytes(c, expected_bytes, bits, p->bits_count);
    }
    case_compare_f32(c, expected, p->writes_values ? y : expected, p->y_count);
}

static void map_case(test_case *c, int is_integer) {
    generator *g = &c->random;
    map_problem p = {.is_integer = is_integer};
    p.map.channels =
        generator_one_in(g, 10) ? generator_integer(g, 131, 300) : (ptrdiff_t)(c->index % 130 + 1);
    p.map.steps = p.steps;
    p.pixels = generator_integer(g, 1, 40);
    p.x_stride = p.map.channels + (generator_one_in(g, 2) ? 0 : generator_integer(g, 0, 30));
    p.y_stride = generator_one_in(g, 2) ? p.x_stride : p.map.channels + generator_integer(g, 0, 30);
    p.x_count = span(p.pixels, p.x_stride, p.map.channels);
    p.y_count = span(p.pixels, p.y_stride, p.map.channels);
    p.in_place = generator_one_in(g, 2);
    p.x = memory_take((size_t)p.x_count * sizeof *p.x);
    for (ptrdiff_t i = 0; i < p.x_count; i++) {
        const float real = generator_real(g);
        memcpy(&p.x[i], &real, sizeof real);
        if (is_integer) {
            p.x[i] = generator_one_in(g, 50) ? (int32_t)generator_next(g)
                                             : (int32_t)generator_integer(g, -300, 300);
        }
    }
    choose_steps(g, &p);
    const int only_bits = is_integer && p.map.count == 0;
    p.writes_values = !only_bits && !generator_one_in(g, 3);
    if (!p.writes_values || generator_one_in(g, 2)) {
        choose_threshold(g, &p);
    }
    case_describe(c, "%td channels, %td pixels, strides %td and %td, %td steps, %s%s%s",
                  p.map.channels, p.pixels, p.x_stride, p.y_stride, p.map.count,
                  p.writes_values ? "values" : "no values", p.map.threshold ? ", bits" : "",
                  p.in_place ? ", in place" : "");
    for (int s = 0; s < tested_set_count; s++) {
        c->set = tested_sets[s];
        memory_reset();
        compare_set(c, &p);
    }
}

void map_f32_case(test_case *c) {
    map_case(c, 0);
}

void map_i32_case(test_case *c) {
    map_case(c, 1);
}
