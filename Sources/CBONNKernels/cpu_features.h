// What this processor offers and the operating system preserves across a context switch.
#ifndef BONN_CPU_FEATURES_H
#define BONN_CPU_FEATURES_H

#include <stdint.h>

enum {
    BONN_CPU_AVX2 = 1u << 0, // with POPCNT
    BONN_CPU_FMA = 1u << 1,
    BONN_CPU_AVX512 = 1u << 2, // F, BW, DQ and VL: what every processor since Skylake-X has
    BONN_CPU_AVX512_VPOPCNTDQ = 1u << 3,
    BONN_CPU_AVX512_VBMI = 1u << 4,
    BONN_CPU_AVX512_VNNI = 1u << 5,
};

// What an x86 processor answers. A processor without leaf 7 or XGETBV has zeros there.
typedef struct {
    uint32_t leaf1_ecx;
    uint32_t leaf7_ebx, leaf7_ecx; // subleaf 0
    uint64_t xcr0;                 // the register state that the operating system saves
} bonn_cpuid;

// The features that can be used, as a set of the bits above: the processor has them and the
// operating system saves their registers. A function of its argument alone, on every architecture.
uint32_t bonn_cpu_features_of(const bonn_cpuid *answers);

// The same for this machine; 0 on other architectures.
uint32_t bonn_cpu_features(void);

#endif
