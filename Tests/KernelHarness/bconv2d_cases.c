// Binary convolutions against plain loops over levels.
#include "table.h"

// What the levels of input and weights are.
typedef enum { RANDOM, ALL_AGREE, ALL_DISAGREE, CONTENTS } content;

static const char *const content_names[] = {"random", "all agree", "all disagree"};

// The numbers of channels that the cases walk through: 1 to 130 and those of large networks.
enum { CHANNEL_COUNTS = 135 };

static ptrdiff_t channels_at(uint64_t index) {
    static const ptrdiff_t large[] = {192, 256, 512, 1024, 3072};
    const ptrdiff_t i = (ptrdiff_t)(index % CHANNEL_COUNTS);
    return i < 130 ? i + 1 : large[i - 130];
}

// Words of a sum around which the narrow counters of kernels are emptied: bytes that gain 1 to 8 a
// word, or both nibbles of a byte, and 16-bit counters that gain up to 64 a word.
static ptrdiff_t edge_words(generator *g) {
    static const ptrdiff_t edges[] = {15,   16,   30,   31,   32,   60,   62,   63,   64,
                                      93,   124,  126,  127,  128,  252,  254,  255,  256,
                                      508,  510,  511,  512,  765,  992,  1020, 1022, 1023,
                                      1024, 1984, 2047, 2048, 4095, 4095, 4095};
    return GENERATOR_PICK(g, edges) + generator_integer(g, -1, 1);
}

static void fill(generator *g, int8_t *levels, ptrdiff_t count, content what, int low) {
    uint64_t bits = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
        if (i % 64 == 0) {
            bits = generator_next(g);
        }
        const int is_high = what == RANDOM ? (bits >> (i % 64)) & 1 : what == ALL_AGREE;
        levels[i] = (int8_t)(is_high ? 1 : low);
    }
}

// The sum of one output, in the words of the definition.
static int32_t sum_of(const binary_problem *p, ptrdiff_t image, ptrdiff_t row, ptrdiff_t column,
                      ptrdiff_t group, ptrdiff_t k) {
    const bonn_window *w = &p->window;
    int32_t sum = 0;
    for (ptrdiff_t ky = 0; ky < w->kernel_height; ky++) {
        for (ptrdiff_t kx = 0; kx < w->kernel_width; kx++) {
            const ptrdiff_t in_y = geometry_row(w, row, ky), in_x = geometry_column(w, column, kx);
            const int8_t *weights =
                p->w +
                (((group * p->out_channels + k) * w->kernel_height + ky) * w->kernel_width + kx) *
                    p->channels;
            const int is_inside = in_y >= 0 && in_x >= 0;
            const int8_t *x = p->x;
            if (is_inside) {
                x += (((image * w->in_height + in_y) * w->in_width + in_x) * p->groups + group) *
                     p->channels;
            }
            for (ptrdiff_t c = 0; c < p->channels; c++) {
                sum += (is_inside ? x[c] : p->padding) * weights[c];
            }
        }
    }
    return sum;
}

static ptrdiff_t macs_of(const binary_problem *p) {
    const bonn_window *w = &p->window;
    return p->images * w->out_height * w->out_width * p->groups * p->out_channels *
           w->kernel_height * w->kernel_width * p->channels;
}

static ptrdiff_t random_outputs(generator *g) {
    static const ptrdiff_t edges[] = {7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40, 63, 64, 65, 72};
    return generator_one_in(g, 2) ? GENERATOR_PICK(g, edges) : generator_integer(g, 1, 20);
}

// A few outputs over very many words: counters at the edges of what they hold.
static void choose_deep(generator *g, uint64_t index, binary_problem *p) {
    const ptrdiff_t words = index == 0 ? 262144 : edge_words(g);
    // The words of one tap, of a tap row, or of 9 taps: kernels empty counters in each way.
    const ptrdiff_t taps = words < 30 ? 1 : generator_integer(g, 1, 9);
    const int is_exact = words % taps == 0;
    p->window = (bonn_window){.kernel_height = is_exact ? taps : 1, .kernel_width = 1};
    if (generator_one_in(g, 2)) {
        p->window.kernel_width = p->window.kernel_height;
        p->window.kernel_height = 1;
    }
    p->channels = (is_exact ? words / taps : words) * 64;
    if (index != 0) {
        p->channels -= generator_one_in(g, 3) ? generator_integer(g, 0, 63) : 0;
    }
    p->images = p->groups = 1;
    const ptrdiff_t columns = index == 0 ? 1 : generator_integer(g, 1, 6);
    p->window.in_height = p->window.kernel_height;
    p->window.in_width = p->window.kernel_width + columns - 1;
    p->window.out_height = 1;
    p->window.out_width = columns;
    p->window.stride_height = p->window.stride_width = 1;
    p->window.dilation_height = p->window.dilation_width = 1;
    p->out_channels = index == 0                               ? 1
                      : words <= 512 && generator_one_in(g, 3) ? generator_integer(g, 32, 66)
                                                               : generator_integer(g, 1, 9);
}

// Everything that a network may contain, `largest` multiply-accumulates at most (but one output).
static void choose_network(generator *g, uint64_t index, ptrdiff_t largest, binary_problem *p) {
    const ptrdiff_t channels = channels_at(index);
    for (int attempt = 0;; attempt++) {
        p->groups = generator_one_in(g, 3) ? generator_integer(g, 2, 5) : 1;
        p->channels = channels;
        if (p->groups > 1 && (channels % p->groups == 0 || channels > 130)) {
            p->channels = (channels + p->groups - 1) / p->groups;
        }
        p->images = generator_one_in(g, 4) ? generator_integer(g, 2, 3) : 1;
        p->out_channels = random_outputs(g);
        window_wish wish = {.max_height = 8, .max_width = generator_one_in(g, 4) ? 40 : 10};
        geometry_kernel(g, index / CHANNEL_COUNTS, &wish.kernel_height, &wish.kernel_width);
        if (attempt > 20) {
            // Too many channels for a large image: give way in the other dimensions.
            wish.max_height = wish.max_width = 3;
            p->images = p->groups = 1;
            p->out_channels = generator_integer(g, 1, 3);
        }
        p->window = geometry_window(g, &wish);
        if (macs_of(p) <= largest || attempt > 60) {
            return;
        }
    }
}

// Computes some rows and channels with the current set, as a thread does, into memory of their own
// or into their place among all others.
static void compare_part(test_case *c, const binary_problem *p, const int32_t *sums) {
    generator *g = &c->random;
    const ptrdiff_t outputs = p->groups * p->out_channels, width = p->window.out_width;
    const binary_call call = table_prepare_binary(c, p);
    const bonn_range rows = geometry_part(g, p->images * p->window.out_height);
    const bonn_range blocks = geometry_part(g, call.blocks);
    const bonn_range channels = table_binary_channels(p, blocks);
    const ptrdiff_t each = channels.end - channels.begin;
    const ptrdiff_t stride = generator_one_in(g, 2) ? outputs : each + generator_integer(g, 0, 9);
    const ptrdiff_t count = ((rows.end - rows.begin) * width - 1) * stride + each;
    int32_t *before = memory_take((size_t)count * sizeof *before);
    int32_t *expected = memory_take((size_t)count * sizeof *expected);
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t pixel = rows.begin * width + i / stride;
        before[i] = (int32_t)generator_next(g);
        expected[i] =
            i % stride < each ? sums[pixel * outputs + channels.begin + i % stride] : before[i];
    }
    int32_t *y = memory_output(g, before, (size_t)count * sizeof *y);
    table_run_binary(c, &call, y, stride, rows, blocks);
    case_compare_i32(c, expected, y, count);
}

void bconv2d_case(test_case *c) {
    generator *g = &c->random;
    binary_problem p = {0};
    const int is_deep = c->index % 40 == 0;
    if (is_deep) {
        choose_deep(g, c->index / 40, &p);
    } else {
        const ptrdiff_t size = generator_integer(g, 1, 50);
        choose_network(g, c->index, size == 1 ? 600000 : size < 10 ? 60000 : 12000, &p);
    }
    p.is_signed = !generator_one_in(g, 3);
    p.padding = (int)generator_integer(g, p.is_signed ? -1 : 0, 1);
    const content what = generator_one_in(g, is_deep ? 3 : 6) ? RANDOM
                         : is_deep ? (content)generator_integer(g, ALL_AGREE, ALL_DISAGREE)
                                   : (content)(generator_integer(g, 0, 9) % 8 % CONTENTS);
    const bonn_window *w = &p.window;
    const ptrdiff_t pixels = p.images * w->in_height * w->in_width;
    const ptrdiff_t outputs = p.groups * p.out_channels;
    const ptrdiff_t weights = outputs * w->kernel_height * w->kernel_width * p.channels;
    int8_t *x = memory_take((size_t)(pixels * p.groups * p.channels));
    int8_t *weight = memory_take((size_t)weights);
    fill(g, x, pixels * p.groups * p.channels, what, p.is_signed ? -1 : 0);
    fill(g, weight, weights, what == RANDOM ? RANDOM : ALL_AGREE, -1);
    p.x = x;
    p.w = weight;
    case_describe(
        c, "%s, %td channels, %td outputs, %td groups, %td images, %s levels, padding %d, %s",
        geometry_text(w), p.channels, p.out_channels, p.groups, p.images,
        p.is_signed ? "signed" : "unsigned", p.padding, content_names[what]);

    const ptrdiff_t rows = p.images * w->out_height;
    const ptrdiff_t count = rows * w->out_width * outputs;
    int32_t *sums = memory_take((size_t)count * sizeof *sums);
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t channel = i % outputs, column = i / outputs % w->out_width;
        const ptrdiff_t row = i / outputs / w->out_width;
        sums[i] = sum_of(&p, row / w->out_height, row % w->out_height, column,
                         channel / p.out_channels, channel % p.out_channels);
    }
    for (int s = 0; s < tested_set_count; s++) {
        c->set = tested_sets[s];
        memory_reset();
        compare_part(c, &p, sums);
    }
}
