#include "cpu_features.h"

// Bits of the answers, as in Intel's manual, volume 2, CPUID and volume 1, 13.3.
enum {
    LEAF1_ECX_FMA = 1u << 12,
    LEAF1_ECX_POPCNT = 1u << 23,
    LEAF1_ECX_OSXSAVE = 1u << 27,
    LEAF1_ECX_AVX = 1u << 28,
    LEAF7_EBX_AVX2 = 1u << 5,
    LEAF7_ECX_VBMI = 1u << 1,
    LEAF7_ECX_VNNI = 1u << 11,
    LEAF7_ECX_VPOPCNTDQ = 1u << 14,
    XCR0_AVX = 0x06,    // the XMM and YMM registers
    XCR0_AVX512 = 0xe0, // the mask registers, the upper halves of ZMM0-15, and ZMM16-31
};
static const uint32_t leaf7_ebx_avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31; // F DQ BW VL

uint32_t bonn_cpu_features_of(const bonn_cpuid *answers) {
    const uint32_t basic = LEAF1_ECX_OSXSAVE | LEAF1_ECX_AVX;
    if ((answers->leaf1_ecx & basic) != basic || (answers->xcr0 & XCR0_AVX) != XCR0_AVX) {
        return 0;
    }
    uint32_t features = 0;
    if (answers->leaf1_ecx & LEAF1_ECX_FMA) {
        features |= BONN_CPU_FMA;
    }
    if (!(answers->leaf7_ebx & LEAF7_EBX_AVX2) || !(answers->leaf1_ecx & LEAF1_ECX_POPCNT)) {
        return features;
    }
    features |= BONN_CPU_AVX2;
    if ((answers->leaf7_ebx & leaf7_ebx_avx512) != leaf7_ebx_avx512 ||
        (answers->xcr0 & XCR0_AVX512) != XCR0_AVX512) {
        return features;
    }
    features |= BONN_CPU_AVX512;
    if (answers->leaf7_ecx & LEAF7_ECX_VPOPCNTDQ) {
        features |= BONN_CPU_AVX512_VPOPCNTDQ;
    }
    if (answers->leaf7_ecx & LEAF7_ECX_VBMI) {
        features |= BONN_CPU_AVX512_VBMI;
    }
    if (answers->leaf7_ecx & LEAF7_ECX_VNNI) {
        features |= BONN_CPU_AVX512_VNNI;
    }
    return features;
}

#if defined(__x86_64__)
#include <cpuid.h>

static uint64_t extended_control_register(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}

uint32_t bonn_cpu_features(void) {
    bonn_cpuid answers = {0};
    uint32_t a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d)) {
        answers.leaf1_ecx = c;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        answers.leaf7_ebx = b;
        answers.leaf7_ecx = c;
    }
    // XGETBV exists where the operating system has switched XSAVE on.
    if (answers.leaf1_ecx & LEAF1_ECX_OSXSAVE) {
        answers.xcr0 = extended_control_register();
#if defined(__APPLE__)
        // Darwin switches a thread's AVX-512 state on at its first use and hides it until then.
        if ((answers.xcr0 & XCR0_AVX) == XCR0_AVX) {
            answers.xcr0 |= XCR0_AVX512;
        }
#endif
    }
    return bonn_cpu_features_of(&answers);
}

#else

uint32_t bonn_cpu_features(void) {
    return 0;
}

#endif
