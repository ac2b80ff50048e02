// Reproducible random numbers (SplitMix64): a seed and a case number determine a case.
#ifndef HARNESS_GENERATOR_H
#define HARNESS_GENERATOR_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t state;
} generator;

static inline uint64_t generator_next(generator *g) {
    uint64_t z = (g->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline generator generator_of(uint64_t seed, uint64_t number) {
    generator g = {seed};
    g.state = generator_next(&g) ^ (number * UINT64_C(0xd1342543de82ef95));
    generator_next(&g);
    return g;
}

// From `low` to `high`, both included.
static inline ptrdiff_t generator_integer(generator *g, ptrdiff_t low, ptrdiff_t high) {
    return low + (ptrdiff_t)(generator_next(g) % (uint64_t)(high - low + 1));
}

static inline int generator_one_in(generator *g, ptrdiff_t n) {
    return generator_integer(g, 1, n) == 1;
}

// A float of any size, some of them zeros of either sign, infinities, NaNs and denormals.
static inline float generator_real(generator *g) {
    static const float special[] = {0.0f,
                                    -0.0f,
                                    1.0f,
                                    -1.0f,
                                    __builtin_inff(),
                                    -__builtin_inff(),
                                    __builtin_nanf(""),
                                    1e-42f,
                                    -1e-42f,
                                    3.4e38f,
                                    -3.4e38f,
                                    1e-38f};
    if (generator_one_in(g, 500)) {
        return special[generator_integer(g, 0, 11)];
    }
    const float magnitude = (float)(generator_next(g) >> 40) * 0x1p-23f - 1.0f;
    return generator_one_in(g, 10) ? magnitude * 1000.0f : magnitude;
}

#define GENERATOR_PICK(g, list)                                                                    \
    ((list)[generator_integer(g, 0, (ptrdiff_t)(sizeof(list) / sizeof((list)[0])) - 1)])

#endif
