// Which instructions may be used: decisions on the answers of processors, as recorded from them.
#include "cpu_features.h"
#include "harness.h"
#include <stdio.h>

enum {
    SSE_STATE = 0x3,
    AVX_STATE = 0x7,
    AVX512_STATE = 0xe7,
    AVX512_WITHOUT_UPPER_REGISTERS = 0x67, // ZMM16-31 are not saved
    AVX512_WITHOUT_MASKS = 0xc7,
    AVX512_WITHOUT_YMM = 0xe3,

    AVX2 = BONN_CPU_AVX2 | BONN_CPU_FMA,
    AVX512 = AVX2 | BONN_CPU_AVX512,
    ICE_LAKE = AVX512 | BONN_CPU_AVX512_VPOPCNTDQ | BONN_CPU_AVX512_VBMI | BONN_CPU_AVX512_VNNI,
    OSXSAVE = 1 << 27,
};

typedef struct {
    const char *name;
    bonn_cpuid answers; // leaf 1 ECX, leaf 7 EBX and ECX, XCR0
    uint32_t features;
} recorded;

static const recorded processors[] = {
    {"Nehalem", {0x00bce3bd, 0, 0, 0}, 0},
    {"Sandy Bridge", {0x1fbae3ff, 0, 0, AVX_STATE}, 0},
    {"Haswell", {0x7ffafbff, 0x000027ab, 0, AVX_STATE}, AVX2},
    {"Haswell, AVX state not saved", {0x7ffafbff, 0x000027ab, 0, SSE_STATE}, 0},
    {"Haswell, XSAVE off", {0x7ffafbff & ~OSXSAVE, 0x000027ab, 0, 0}, 0},
    {"Broadwell", {0x7ffafbbf, 0x021c27ab, 0, AVX_STATE}, AVX2},
    {"Skylake", {0x7ffafbbf, 0x029c6fbb, 0, AVX_STATE}, AVX2},
    {"Skylake-X", {0x7ffefbff, 0xd39ffffb, 0x00000008, AVX512_STATE}, AVX512},
    {"Skylake-X, AVX state only", {0x7ffefbff, 0xd39ffffb, 0x00000008, AVX_STATE}, AVX2},
    {"Cascade Lake",
     {0x7ffefbff, 0xd39ffffb, 0x00000808, AVX512_STATE},
     AVX512 | BONN_CPU_AVX512_VNNI},
    {"Ice Lake", {0x7ffafbbf, 0xf2bf27ef, 0x40405f4e, AVX512_STATE}, ICE_LAKE},
    {"Ice Lake, AVX state only", {0x7ffafbbf, 0xf2bf27ef, 0x40405f4e, AVX_STATE}, AVX2},
    {"Ice Lake, no upper registers",
     {0x7ffafbbf, 0xf2bf27ef, 0x40405f4e, AVX512_WITHOUT_UPPER_REGISTERS},
     AVX2},
    {"Ice Lake, no masks", {0x7ffafbbf, 0xf2bf27ef, 0x40405f4e, AVX512_WITHOUT_MASKS}, AVX2},
    {"Ice Lake, no YMM", {0x7ffafbbf, 0xf2bf27ef, 0x40405f4e, AVX512_WITHOUT_YMM}, 0},
    {"Tiger Lake", {0x7ffafbbf, 0xf3bfa7eb, 0x18c05fce, AVX512_STATE}, ICE_LAKE},
    {"Alder Lake", {0x7ffafbff, 0x239ca7eb, 0x98c027ac, AVX_STATE}, AVX2},
    {"Zen 4", {0xfffa3203, 0xf1bf07ab, 0x00405fc6, AVX512_STATE}, ICE_LAKE},
    {"Zen 4, AVX state only", {0xfffa3203, 0xf1bf07ab, 0x00405fc6, AVX_STATE}, AVX2},
};

check_counts check_cpu_features(void) {
    check_counts counts = {0, 0};
    for (size_t i = 0; i < sizeof processors / sizeof processors[0]; i++) {
        const uint32_t features = bonn_cpu_features_of(&processors[i].answers);
        if (features == processors[i].features) {
            counts.passed++;
        } else {
            counts.failed++;
            printf("FAILED: features of %s: expected %#x, found %#x\n", processors[i].name,
                   processors[i].features, features);
        }
    }
    return counts;
}
