// Compares every kernel of every kernel set with plain loops, in guarded memory.
//
//     kernel-harness [--cases COUNT] [--seed S] [--case N] [--set NAME]
//     kernel-harness --sabotage
//
// The second form checks the harness itself with kernels that are wrong on purpose.
// Prints what it did and, in its last line, "P passed, F failed".
#include "harness.h"
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAXIMUM_SETS = 16 };

const bonn_kernel_set *tested_sets[MAXIMUM_SETS];
int tested_set_count;

static uint64_t seed = 1;
static test_case *volatile current;
static volatile sig_atomic_t is_armed;
static uint64_t failures, most_shown = 20;

// How often an operation's turn comes, out of every TURNS cases.
typedef struct {
    const char *name;
    case_fn *run;
    int turns;
    uint64_t done;
} operation;

static operation operations[] = {
    {"bconv2d", bconv2d_case, 33, 0},
    {"conv2d", conv2d_case, 3, 0},
    {"conv2d_s8", conv2d_s8_case, 2, 0},
    {"quantize", quantize_case, 1, 0},
    {"depthwise", depthwise_case, 1, 0},
    {"map_f32", map_f32_case, 3, 0},
    {"map_i32", map_i32_case, 3, 0},
    {"max_pool_f32", max_pool_f32_case, 1, 0},
    {"max_pool_b1", max_pool_b1_case, 1, 0},
    {"average_pool_f32", average_pool_f32_case, 1, 0},
    {"transpose_u32", transpose_u32_case, 1, 0},
    {"copy_u32", copy_u32_case, 1, 0},
    {"copy_b1", copy_b1_case, 1, 0},
    {"flatten_b1", flatten_b1_case, 1, 0},
};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

static void print_case(const test_case *c) {
    printf("FAILED: set %s, operation %s, seed %llu, case %llu: %s\n", c->set ? c->set->name : "-",
           c->operation, (unsigned long long)seed, (unsigned long long)c->number, c->parameters);
}

void case_fail(test_case *c, const char *format, ...) {
    c->has_failed = 1;
    if (failures++ >= most_shown) {
        return;
    }
    print_case(c);
    va_list arguments;
    va_start(arguments, format);
    fputs("        ", stdout);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

void case_describe(test_case *c, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->parameters, sizeof c->parameters, format, arguments);
    va_end(arguments);
}

void case_arm(test_case *c) {
    current = c;
    is_armed = 1;
}

void case_disarm(test_case *c) {
    (void)c;
    is_armed = 0;
}

static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)context;
    if (!is_armed) {
        // A fault of the harness itself: let it end the process with the usual message.
        struct sigaction usual = {.sa_handler = SIG_DFL};
        sigaction(signal, &usual, NULL);
        return;
    }
    is_armed = 0;
    char where[120];
    memory_describe(info->si_addr, where, sizeof where);
    case_fail(current, "signal %d (%s): access to %s", signal, strsignal(signal), where);
    siglongjmp(current->fault, 1);
}

static void catch_faults(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGILL, &action, NULL);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
// The sanitizers end the process; the report of theirs above says where, this one which case.
void __sanitizer_set_death_callback(void (*callback)(void));
static void on_death(void) {
    if (is_armed) {
        print_case(current);
    }
}
#define HARNESS_NAME_CASE_AT_DEATH() __sanitizer_set_death_callback(on_death)
#endif
#endif
#ifndef HARNESS_NAME_CASE_AT_DEATH
#define HARNESS_NAME_CASE_AT_DEATH() ((void)0)
#endif

static void look_at_memory(test_case *c) {
    const char *damage = memory_damage();
    if (damage) {
        case_fail(c, "%s", damage);
    }
}

void case_compare_i32(test_case *c, const int32_t *expected, const int32_t *found,
                      ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        if (expected[i] != found[i]) {
            case_fail(c, "element %td of %td: expected %d, found %d", i, count, expected[i],
                      found[i]);
            return;
        }
    }
    look_at_memory(c);
}

void case_compare_u64(test_case *c, const uint64_t *expected, const uint64_t *found,
                      ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        if (expected[i] != found[i]) {
            case_fail(c, "word %td of %td: expected %016llx, found %016llx", i, count,
                      (unsigned long long)expected[i], (unsigned long long)found[i]);
            return;
        }
    }
    look_at_memory(c);
}

void case_compare_bytes(test_case *c, const uint8_t *expected, const uint8_t *found,
                        ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        if (expected[i] != found[i]) {
            case_fail(c, "byte %td of %td: expected %02x, found %02x", i, count, expected[i],
                      found[i]);
            return;
        }
    }
    look_at_memory(c);
}

void case_compare_f32(test_case *c, const float *expected, const float *found, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        uint32_t a, b;
        memcpy(&a, expected + i, sizeof a);
        memcpy(&b, found + i, sizeof b);
        const int are_nan = expected[i] != expected[i] && found[i] != found[i];
        if (a != b && !are_nan) {
            case_fail(c, "element %td of %td: expected %.9g (%08x), found %.9g (%08x)", i, count,
                      (double)expected[i], a, (double)found[i], b);
            return;
        }
    }
    look_at_memory(c);
}

// The operation of a case, and how many cases of that operation come before it.
static operation *operation_of(uint64_t number, uint64_t *index) {
    uint64_t all = 0;
    for (int i = 0; i < OPERATIONS; i++) {
        all += (uint64_t)operations[i].turns;
    }
    uint64_t turn = number % all;
    for (int i = 0;; i++) {
        const uint64_t turns = (uint64_t)operations[i].turns;
        if (turn < turns) {
            *index = number / all * turns + turn;
            return &operations[i];
        }
        turn -= turns;
    }
}

static int run_case(uint64_t number) {
    test_case c = {.random = generator_of(seed, number), .number = number};
    operation *o = operation_of(number, &c.index);
    c.operation = o->name;
    current = &c;
    memory_release();
    o->run(&c);
    memory_reset();
    o->done++;
    return !c.has_failed;
}

static void choose_sets(const char *wanted) {
    for (ptrdiff_t i = 0; i < bonn_kernel_set_count(); i++) {
        const bonn_kernel_set *set = bonn_kernel_set_at(i);
        if (!bonn_kernel_set_runs(i)) {
            printf("built, not run: %s\n", set->name);
        } else if (!wanted || strcmp(wanted, set->name) == 0) {
            tested_sets[tested_set_count++] = set;
        }
    }
    if (tested_set_count == 0) {
        fprintf(stderr, "kernel harness: no kernel set '%s' runs here\n", wanted);
        exit(2);
    }
}

static uint64_t number_after(int argc, char **argv, int i) {
    char *end = NULL;
    const uint64_t value = i + 1 < argc ? strtoull(argv[i + 1], &end, 10) : 0;
    if (!end || end == argv[i + 1] || *end) {
        fprintf(stderr, "kernel harness: %s needs a number\n", argv[i]);
        exit(2);
    }
    return value;
}

// The checks of the harness itself; the exit status.
static int run_sabotage(void) {
    most_shown = 0;
    const check_counts counts = check_sabotage(run_case);
    printf("%d passed, %d failed\n", counts.passed, counts.failed);
    return counts.failed != 0;
}

int main(int argc, char **argv) {
    uint64_t first = 0, count = 34000;
    const char *wanted = NULL;
    setvbuf(stdout, NULL, _IOLBF, 0);
    memory_start();
    catch_faults();
    HARNESS_NAME_CASE_AT_DEATH();
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--cases") == 0) {
            count = number_after(argc, argv, i);
        } else if (strcmp(argv[i], "--seed") == 0) {
            seed = number_after(argc, argv, i);
        } else if (strcmp(argv[i], "--case") == 0) {
            first = number_after(argc, argv, i);
            count = 1;
        } else if (strcmp(argv[i], "--set") == 0 && i + 1 < argc) {
            wanted = argv[i + 1];
        } else if (strcmp(argv[i], "--sabotage") == 0) {
            return run_sabotage();
        } else {
            fprintf(stderr, "usage: kernel-harness [--cases COUNT] [--seed S] [--case N] "
                            "[--set NAME] | --sabotage\n");
            return 2;
        }
    }
    choose_sets(wanted);
    const check_counts features = check_cpu_features(), digest = check_digest();
    uint64_t passed = (uint64_t)(features.passed + digest.passed);
    uint64_t failed = (uint64_t)(features.failed + digest.failed);
    for (uint64_t number = first; number < first + count; number++) {
        if (run_case(number)) {
            passed++;
        } else {
            failed++;
        }
    }
    printf("kernel sets compared:");
    for (int i = 0; i < tested_set_count; i++) {
        printf(" %s", tested_sets[i]->name);
    }
    printf("; seed %llu; cases:", (unsigned long long)seed);
    for (int i = 0; i < OPERATIONS; i++) {
        printf(" %s %llu", operations[i].name, (unsigned long long)operations[i].done);
    }
    printf(" cpu_features %d digest %d", features.passed + features.failed,
           digest.passed + digest.failed);
    if (failures > most_shown) {
        printf("; %llu more failures not shown", (unsigned long long)(failures - most_shown));
    }
    printf("; %.1f s of processor time\n", (double)clock() / CLOCKS_PER_SEC);
    printf("%llu passed, %llu failed\n", (unsigned long long)passed, (unsigned long long)failed);
    return failed != 0;
}
