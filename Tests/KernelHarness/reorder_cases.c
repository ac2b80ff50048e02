// Copies and transpositions, one element after the other.
#include "harness.h"

static ptrdiff_t bytes_of(ptrdiff_t words) {
    return words * (ptrdiff_t)sizeof(uint64_t);
}

static uint64_t *random_words(generator *g, ptrdiff_t count) {
    uint64_t *words = memory_take((size_t)bytes_of(count));
    for (ptrdiff_t i = 0; i < count; i++) {
        words[i] = generator_next(g);
    }
    return words;
}

static int bit_at(const uint64_t *words, ptrdiff_t bit) {
    return (int)(words[bit / 64] >> (bit % 64) & 1);
}

static void set_bit(uint64_t *words, ptrdiff_t bit, int value) {
    words[bit / 64] |= (uint64_t)value << (bit % 64);
}

static int32_t *random_elements(generator *g, ptrdiff_t count) {
    int32_t *elements = memory_take((size_t)count * sizeof *elements);
    for (ptrdiff_t i = 0; i < count; i++) {
        elements[i] = (int32_t)generator_next(g);
    }
    return elements;
}

// The last row of the input ends with its last column, not with its stride.
void transpose_u32_case(test_case *c) {
    generator *g = &c->random;
    const ptrdiff_t rows = generator_integer(g, 1, 70), columns = generator_integer(g, 1, 130);
    const ptrdiff_t stride = columns + (generator_one_in(g, 2) ? 0 : generator_integer(g, 1, 70));
    case_describe(c, "%td rows, %td columns, stride %td", rows, columns, stride);
    const ptrdiff_t in_count = (rows - 1) * stride + columns;
    const int32_t *x = random_elements(g, in_count);
    int32_t *expected = memory_take((size_t)(rows * columns) * sizeof *expected);
    for (ptrdiff_t i = 0; i < rows * columns; i++) {
        expected[i % columns * rows + i / columns] = x[i / columns * stride + i % columns];
    }
    for (int s = 0; s < tested_set_count; s++) {
        c->set = tested_sets[s];
        memory_reset();
        const uint32_t *input = memory_input(g, x, (size_t)in_count * sizeof *x);
        uint32_t *y = memory_output(g, NULL, (size_t)(rows * columns) * sizeof *y);
        CASE_CALL(c, c->set->transpose_u32(input, stride, y, rows, columns));
        case_compare_i32(c, expected, (const int32_t *)y, rows * columns);
    }
}

// The last pixel of input and output ends with its last channel, not with its stride.
void copy_u32_case(test_case *c) {
    generator *g = &c->random;
    const ptrdiff_t channels = generator_integer(g, 1, 130), pixels = generator_integer(g, 1, 40);
    const ptrdiff_t from = channels + generator_integer(g, 0, 70);
    const ptrdiff_t to = channels + generator_integer(g, 0, 70);
    case_describe(c, "%td channels, %td pixels, strides %td and %td", channels, pixels, from, to);
    const ptrdiff_t in_count = (pixels - 1) * from + channels;
    const ptrdiff_t count = (pixels - 1) * to + channels;
    const int32_t *x = random_elements(g, in_count), *before = random_elements(g, count);
    int32_t *expected = memory_take((size_t)count * sizeof *expected);
    for (ptrdiff_t i = 0; i < count; i++) {
        expected[i] = i % to < channels ? x[i / to * from + i % to] : before[i];
    }
    for (int s = 0; s < tested_set_count; s++) {
        c->set = tested_sets[s];
        memory_reset();
        const uint32_t *input = memory_input(g, x, (size_t)in_count * sizeof *x);
        uint32_t *y = memory_output(g, before, (size_t)count * sizeof *y);
        CASE_CALL(c, c->set->copy_u32(input, from, y, to, channels, pixels));
        case_compare_i32(c, expected, (const int32_t *)y, count);
    }
}

void copy_b1_case(test_case *c) {
    generator *g = &c->random;
    bonn_bit_run p = {.bits = generator_integer(g, 1, 200)};
    p.from_bit = generator_integer(g, 0, 130);
    p.to_bit = generator_integer(g, 0, 130);
    p.from_words = (p.from_bit + p.bits + 63) / 64 + generator_integer(g, 0, 2);
    p.to_words = (p.to_bit + p.bits + 63) / 64 + generator_integer(g, 0, 2);
    const ptrdiff_t pixels = generator_integer(g, 1, 30);
    case_describe(c, "%td bits, from bit %td of %td words, to bit %td of %td words, %td pixels",
                  p.bits, p.from_bit, p.from_words, p.to_bit, p.to_words, pixels);
    const ptrdiff_t in_words = (pixels - 1) * p.from_words + (p.from_bit + p.bits + 63) / 64;
    const ptrdiff_t words = (pixels - 1) * p.to_words + (p.to_bit + p.bits + 63) / 64;
    const uint64_t *x = random_words(g, in_words);
    // Bits outside of the run stay; those of the run are 0 before.
    uint64_t *before = random_words(g, words), *expected = random_words(g, words);
    for (ptrdiff_t i = 0; i < pixels; i++) {
        for (ptrdiff_t bit = 0; bit < p.bits; bit++) {
            const ptrdiff_t to = i * p.to_words * 64 + p.to_bit + bit;
            before[to / 64] &= ~(UINT64_C(1) << (to % 64));
        }
    }
    for (ptrdiff_t i = 0; i < words; i++) {
        expected[i] = before[i];
    }
    for (ptrdiff_t i = 0; i < pixels; i++) {
        for (ptrdiff_t bit = 0; bit < p.bits; bit++) {
            set_bit(expected, i * p.to_words * 64 + p.to_bit + bit,
                    bit_at(x, i * p.from_words * 64 + p.from_bit + bit));
        }
    }
    for (int s = 0; s < tested_set_count; s++) {
        c->set = tested_sets[s];
        memory_reset();
        const uint64_t *input = memory_input(g, x, (size_t)bytes_of(in_words));
        uint64_t *y = memory_output(g, before, (size_t)bytes_of(words));
        CASE_CALL(c, c->set->copy_b1(&p, input, y, pixels));
        case_compare_u64(c, expected, y, words);
    }
}

void flatten_b1_case(test_case *c) {
    generator *g = &c->random;
    const ptrdiff_t channels = generator_integer(g, 1, 200), pixels = generator_integer(g, 1, 50);
    case_describe(c, "%td channels, %td pixels", channels, pixels);
    const ptrdiff_t pixel_words = (channels + 63) / 64, words = (channels * pixels + 63) / 64;
    uint64_t *x = memory_take((size_t)bytes_of(pixels * pixel_words));
    uint64_t *expected = memory_take((size_t)bytes_of(words));
    uint64_t *zeros = memory_take((size_t)bytes_of(words));
    for (ptrdiff_t i = 0; i < pixels; i++) {
        for (ptrdiff_t k = 0; k < channels; k++) {
            const int bit = generator_one_in(g, 2);
            set_bit(x, i * pixel_words * 64 + k, bit);
            set_bit(expected, k * pixels + i, bit);
        }
    }
    for (int s = 0; s < tested_set_count; s++) {
        c->set = tested_sets[s];
        memory_reset();
        const uint64_t *input = memory_input(g, x, (size_t)bytes_of(pixels * pixel_words));
        uint64_t *y = memory_output(g, zeros, (size_t)bytes_of(words));
        CASE_CALL(c, c->set->flatten_b1(input, y, pixels, channels));
        case_compare_u64(c, expected, y, words);
    }
}
