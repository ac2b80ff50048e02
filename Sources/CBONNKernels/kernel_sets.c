// The tables of kernels.inc, and which of them this machine can run.
#include "cpu_features.h"
#include "kernels.h"

// Tables: a later initialiser of a member replaces an earlier one, which is how a set takes over
// exactly the operations that it does not list, from the set that it is built on.
#pragma clang diagnostic ignored "-Winitializer-overrides"
#define BONN_KERNEL(set, operation, function) BONN_FILL_##set(operation, function)
#define BONN_TAKE(operation, function) .operation = function,
#define BONN_LEAVE(operation, function)

#define BONN_FILL_scalar BONN_TAKE
#define BONN_FILL_avx2 BONN_LEAVE
#define BONN_FILL_avx512 BONN_LEAVE
#define BONN_FILL_neon BONN_LEAVE
static const bonn_kernel_set scalar_set = {
    .name = "scalar",
#include "kernels.inc"
};

#if defined(__x86_64__)
#undef BONN_FILL_avx2
#define BONN_FILL_avx2 BONN_TAKE
static const bonn_kernel_set avx2_set = {
    .name = "avx2",
#include "kernels.inc"
};

#undef BONN_FILL_avx512
#define BONN_FILL_avx512 BONN_TAKE
static const bonn_kernel_set avx512_set = {
    .name = "avx512",
#include "kernels.inc"
};
#endif

#if defined(__aarch64__)
#undef BONN_FILL_neon
#define BONN_FILL_neon BONN_TAKE
static const bonn_kernel_set neon_set = {
    .name = "neon",
#include "kernels.inc"
};
#endif

typedef struct {
    const bonn_kernel_set *set;
    uint32_t needs;
} listed_set;

static const listed_set sets[] = {
    {&scalar_set, 0},
#if defined(__aarch64__)
    {&neon_set, 0},
#endif
#if defined(__x86_64__)
    {&avx2_set, BONN_CPU_AVX2 | BONN_CPU_FMA},
    {&avx512_set, BONN_CPU_AVX2 | BONN_CPU_FMA | BONN_CPU_AVX512 | BONN_CPU_AVX512_VPOPCNTDQ |
                      BONN_CPU_AVX512_VNNI},
#endif
};

ptrdiff_t bonn_kernel_set_count(void) {
    return (ptrdiff_t)(sizeof sets / sizeof sets[0]);
}

const bonn_kernel_set *bonn_kernel_set_at(ptrdiff_t index) {
    return sets[index].set;
}

int bonn_kernel_set_runs(ptrdiff_t index) {
    return (bonn_cpu_features() & sets[index].needs) == sets[index].needs;
}
