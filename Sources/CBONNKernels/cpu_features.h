// What this processor offers and the operating system preserves across a context switch.
#ifndef BONN_CPU_FEATURES_H
#define BONN_CPU_FEATURES_H

#include <stdint.h>

enum {
    BONN_CPU_AVX2 = 1u << 0,
    BONN_CPU_FMA = 1u << 1,
};

// A set of the bits above.
uint32_t bonn_cpu_features(void);

#endif
