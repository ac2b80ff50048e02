// What the variants share, and which of them a build has.
#ifndef BONN_SHA256_H
#define BONN_SHA256_H

#include "bonn_digest.h"

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS
// 180-4, 4.2.2).
extern const uint32_t bonn_sha256_constants[64];

#if defined(__x86_64__)
int bonn_sha256_has_x86(void);
void bonn_sha256_x86(uint32_t *state, const uint8_t *data, size_t blocks);
#endif

// Big-endian AArch64 would need other loads; it takes the portable one.
#if defined(__aarch64__) && defined(__LITTLE_ENDIAN__) || defined(__aarch64__) && defined(__APPLE__)
#define BONN_SHA256_ARM 1
int bonn_sha256_has_arm(void);
void bonn_sha256_arm(uint32_t *state, const uint8_t *data, size_t blocks);
#endif

#endif
