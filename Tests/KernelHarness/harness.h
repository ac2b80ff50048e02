// What the cases share: the case being run, the guarded call and the comparison.
#ifndef HARNESS_H
#define HARNESS_H

#include "bonn_kernels.h"
#include "generator.h"
#include "memory.h"
#include <setjmp.h>

typedef struct {
    generator random;
    uint64_t number;            // of the case
    uint64_t index;             // of the case among those of its operation
    const char *operation;      // as in the table of kernels
    char parameters[400];       // as a person reads them
    const bonn_kernel_set *set; // being tested
    int has_failed;
    sigjmp_buf fault;
} test_case;

// The kernel sets under test: those that run here, or the one that was asked for.
extern const bonn_kernel_set *tested_sets[];
extern int tested_set_count;

// Says what is wrong with the current set; the case counts as failed.
__attribute__((format(printf, 2, 3))) void case_fail(test_case *c, const char *format, ...);

// Describes the parameters of the case.
__attribute__((format(printf, 2, 3))) void case_describe(test_case *c, const char *format, ...);

// Runs `call`; an access to inaccessible memory fails the case and skips the rest of the call.
#define CASE_CALL(c, call)                                                                         \
    do {                                                                                           \
        if (sigsetjmp((c)->fault, 0) == 0) {                                                       \
            case_arm(c);                                                                           \
            call;                                                                                  \
        }                                                                                          \
        case_disarm(c);                                                                            \
    } while (0)
void case_arm(test_case *c);
void case_disarm(test_case *c);

// Compares the whole output, and looks at the canaries and the inputs.
void case_compare_i32(test_case *c, const int32_t *expected, const int32_t *found, ptrdiff_t count);
void case_compare_u64(test_case *c, const uint64_t *expected, const uint64_t *found,
                      ptrdiff_t count);
void case_compare_bytes(test_case *c, const uint8_t *expected, const uint8_t *found,
                        ptrdiff_t count);
// Bit patterns, except that a NaN is any NaN.
void case_compare_f32(test_case *c, const float *expected, const float *found, ptrdiff_t count);

// One case of an operation on every tested set.
typedef void case_fn(test_case *c);
case_fn conv2d_s8_case, quantize_case, bconv2d_case, map_f32_case, map_i32_case, conv2d_case,
    depthwise_case, max_pool_f32_case, max_pool_b1_case, average_pool_f32_case, transpose_u32_case,
    copy_u32_case, copy_b1_case, flatten_b1_case;

// The checks that are not seeded; the numbers of those that passed and failed.
typedef struct {
    int passed, failed;
} check_counts;
check_counts check_cpu_features(void);
check_counts check_digest(void);

// Whether the harness notices kernels that are wrong on purpose. `run` runs a case and says whether
// it passed; the tested sets are replaced.
typedef int case_runner(uint64_t number);
check_counts check_sabotage(case_runner *run);

#endif
