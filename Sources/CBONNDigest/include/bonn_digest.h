// The compression function of SHA-256 (FIPS 180-4, section 6.2.2), in portable C and with the
// instructions that x86-64 and AArch64 have for it. Padding and lengths are the caller's business.
#ifndef BONN_DIGEST_H
#define BONN_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// Takes `blocks` blocks of 64 bytes into a state of eight words.
typedef void (*bonn_sha256_function)(uint32_t *state, const uint8_t *data, size_t blocks);

/// The fastest one that this processor runs. All give the same words.
bonn_sha256_function bonn_sha256_best(void);

/// The one of which the others are copies: plain C.
void bonn_sha256_portable(uint32_t *state, const uint8_t *data, size_t blocks);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
