#include "cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>

// The register in which the operating system says which parts of the register file it saves.
static uint64_t extended_control_register(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}

uint32_t bonn_cpu_features(void) {
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) {
        return 0;
    }
    const uint64_t xmm_and_ymm = 0x6;
    if ((extended_control_register() & xmm_and_ymm) != xmm_and_ymm) {
        return 0;
    }
    uint32_t features = (c & bit_FMA) ? BONN_CPU_FMA : 0;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2)) {
        features |= BONN_CPU_AVX2;
    }
    return features;
}

#else

uint32_t bonn_cpu_features(void) {
    return 0;
}

#endif
