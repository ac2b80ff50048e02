// SHA-256: the processor's instructions and portable C against each other, and against the digests
// of FIPS 180-4's one-block message and of random blocks at any alignment.
#include "bonn_digest.h"
#include "harness.h"
#include <stdio.h>
#include <string.h>

static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static int gives_abc(bonn_sha256_function compress) {
    // "abc", a one, zeros, 24 bits.
    uint8_t block[64] = {'a', 'b', 'c', 0x80, [63] = 24};
    static const uint32_t wanted[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                       0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    uint32_t state[8];
    memcpy(state, initial, sizeof state);
    compress(state, block, 1);
    return memcmp(state, wanted, sizeof state) == 0;
}

static int agree(uint64_t number) {
    enum { BLOCKS = 5 };
    generator random = generator_of(74, number);
    uint8_t bytes[64 * BLOCKS + 8];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)generator_integer(&random, 0, 255);
    }
    uint32_t fast[8], plain[8];
    for (int i = 0; i < 8; i++) {
        fast[i] = plain[i] = (uint32_t)generator_integer(&random, 0, 0x7fffffff);
    }
    const size_t blocks = (size_t)generator_integer(&random, 0, BLOCKS);
    bonn_sha256_best()(fast, bytes + number % 8, blocks);
    bonn_sha256_portable(plain, bytes + number % 8, blocks);
    return memcmp(fast, plain, sizeof fast) == 0;
}

check_counts check_digest(void) {
    check_counts counts = {0, 0};
    const bonn_sha256_function functions[] = {bonn_sha256_portable, bonn_sha256_best()};
    for (int i = 0; i < 2; i++) {
        if (gives_abc(functions[i])) {
            counts.passed++;
        } else {
            counts.failed++;
            printf("FAILED: SHA-256 of abc, %s\n", i == 0 ? "portable" : "best");
        }
    }
    for (uint64_t number = 0; number < 200; number++) {
        if (agree(number)) {
            counts.passed++;
        } else {
            counts.failed++;
            printf("FAILED: SHA-256 of random blocks, case %llu\n", (unsigned long long)number);
        }
    }
    return counts;
}
