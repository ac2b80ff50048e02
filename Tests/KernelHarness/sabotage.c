// Kernels that are wrong on purpose: the harness must notice each of them.
#include "harness.h"
#include <stdio.h>
#include <string.h>

enum { CASES = 34000 };

static bonn_max_pool_b1_fn *honest;

static ptrdiff_t words_of(const bonn_pool *p) {
    return (p->channels + 63) / 64;
}

static ptrdiff_t row_words(const bonn_pool *p) {
    return p->window.out_width * words_of(p);
}

static void rarely_wrong(const bonn_pool *p, const uint64_t *x, uint64_t *y, bonn_range rows) {
    honest(p, x, y, rows);
    if (p->channels == 67) {
        y[rows.begin * row_words(p)] ^= 1;
    }
}

static void writes_before_its_part(const bonn_pool *p, const uint64_t *x, uint64_t *y,
                                   bonn_range rows) {
    honest(p, x, y, rows);
    y[rows.begin * row_words(p) - 1] = 0;
}

static void writes_behind_its_part(const bonn_pool *p, const uint64_t *x, uint64_t *y,
                                   bonn_range rows) {
    honest(p, x, y, rows);
    ((uint8_t *)(y + rows.end * row_words(p)))[0] = 1;
}

static void reads_before(const bonn_pool *p, const uint64_t *x, uint64_t *y, bonn_range rows) {
    volatile uint8_t byte = ((const uint8_t *)x)[-1];
    (void)byte;
    honest(p, x, y, rows);
}

static void reads_behind(const bonn_pool *p, const uint64_t *x, uint64_t *y, bonn_range rows) {
    const bonn_window *w = &p->window;
    const ptrdiff_t words =
        (rows.end + w->out_height - 1) / w->out_height * w->in_height * w->in_width * words_of(p);
    volatile uint8_t byte = ((const uint8_t *)(x + words))[0];
    (void)byte;
    honest(p, x, y, rows);
}

static void writes_its_input(const bonn_pool *p, const uint64_t *x, uint64_t *y, bonn_range rows) {
    honest(p, x, y, rows);
    ((uint64_t *)x)[0] ^= 1;
}

static void forgets_a_row(const bonn_pool *p, const uint64_t *x, uint64_t *y, bonn_range rows) {
    honest(p, x, y, (bonn_range){rows.begin, rows.end - 1});
}

static const struct {
    const char *name;
    bonn_max_pool_b1_fn *kernel;
} saboteurs[] = {
    {"is rarely wrong", rarely_wrong},
    {"writes before its part", writes_before_its_part},
    {"writes behind its part", writes_behind_its_part},
    {"reads before its input", reads_before},
    {"reads behind its input", reads_behind},
    {"writes its input", writes_its_input},
    {"forgets a row", forgets_a_row},
};

check_counts check_sabotage(case_runner *run) {
    check_counts counts = {0, 0};
    bonn_kernel_set set = *bonn_kernel_set_at(0);
    honest = set.max_pool_b1;
    set.name = "sabotage";
    tested_sets[0] = &set;
    tested_set_count = 1;
    for (size_t i = 0; i < sizeof saboteurs / sizeof saboteurs[0]; i++) {
        set.max_pool_b1 = saboteurs[i].kernel;
        uint64_t number = 0;
        while (number < CASES && run(number)) {
            number++;
        }
        if (number < CASES) {
            counts.passed++;
        } else {
            counts.failed++;
            printf("FAILED: a kernel that %s passed %d cases\n", saboteurs[i].name, CASES);
        }
    }
    return counts;
}
