/* The operations of 1-bit networks in portable C99, for devices without an operating system.
 *
 * A network that `bonn-run export --format c` wrote includes this file and calls what it needs; the
 * rest is never compiled. There is no allocation, no state, no library of mathematics and no call
 * out of this file, besides what a compiler adds for a processor without floating point.
 *
 * Values are H x W x C, the channels of a pixel side by side: real numbers are float, integers
 * int32_t, bytes uint8_t, signed bytes int8_t. Bits lie in 32-bit words, ceil(C / 32) a pixel,
 * channel c in bit c % 32 of word c / 32; a 1 is the low level (-1, or 0 of unsigned bits), what is
 * above the last channel is 0. Words are numbers and no bytes, so the byte order of a processor
 * does not matter.
 *
 * The results are the bits of the BONN runtime: sums of real products are chains of fused
 * multiply-adds of float, everything else is one IEEE operation after the other
 * (Documentation/model-format.md, section 6). Hence the conditions that are checked here. */
#ifndef BONN_ARITHMETIC_H
#define BONN_ARITHMETIC_H

#include <float.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if INT_MAX < 2147483647
#error "bonn_arithmetic.h: int must have 32 bits"
#endif
#if FLT_RADIX != 2 || FLT_MANT_DIG != 24 || DBL_MANT_DIG != 53
#error                                                                                             \
    "bonn_arithmetic.h: float and double must be those of IEEE 754 (no -fshort-double, no -mdouble=32)"
#endif
/* 1 computes float in double and rounds to float where a result is stored, which is the same
 * number. */
#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 1
#error "bonn_arithmetic.h: excess precision gives other results; on 32-bit x86: -msse2 -mfpmath=sse"
#endif
#ifdef __FAST_MATH__
#error "bonn_arithmetic.h: -ffast-math gives other results"
#endif

/* A product that feeds a sum must be rounded by itself. gcc knows no pragma of the standard for
 * that and contracts in its GNU modes; clang obeys the standard's. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off")
#else
#pragma STDC FP_CONTRACT OFF
#endif

/* BONN_INLINE: bodies whose constant arguments choose a variant. BONN_KERNEL: what a network calls.
 */
#ifdef __GNUC__
#define BONN_INLINE static inline __attribute__((always_inline))
#define BONN_KERNEL static __attribute__((noinline, unused))
#define BONN_ALIAS __attribute__((may_alias))
#define BONN_INFINITY __builtin_inff()
#else
#include <math.h>
#define BONN_INLINE static inline
#define BONN_KERNEL static inline
#define BONN_ALIAS
#define BONN_INFINITY INFINITY
#endif

/* What lies in the arena, whose words hold values of several types one after the other. */
typedef float BONN_ALIAS bonn_f32;
typedef int32_t BONN_ALIAS bonn_i32;
typedef uint32_t BONN_ALIAS bonn_u32;

/* A window of a convolution or a pooling over an input, and the size of the result. */
typedef struct {
    int32_t channels, height, width;
    int32_t outputs, out_height, out_width;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t top, left;
    int32_t dilation_height, dilation_width;
    int32_t groups;
} bonn_layer;

/* ---- Arithmetic ---- */

/* Results are stored in a variable, which is where FLT_EVAL_METHOD 1 rounds them to float. */
BONN_INLINE float bonn_product(float a, float b) {
    const float y = a * b;
    return y;
}

BONN_INLINE float bonn_sum(float a, float b) {
    const float y = a + b;
    return y;
}

/* x * w + a, rounded once. Without an instruction: the product is exact in double; the sum with its
 * error (Knuth's TwoSum), rounded to odd, rounds to float as the exact sum does (Boldo and
 * Melquiond, 2008). */
BONN_INLINE float bonn_fma(float x, float w, float a) {
#if defined(__GNUC__) && (defined(__FP_FAST_FMAF) || defined(__ARM_FEATURE_FMA) || defined(__FMA__))
    return __builtin_fmaf(x, w, a);
#else
    const double p = (double)x * (double)w;
    const double d = (double)a;
    double s = p + d;
    const double b = s - p;
    const double e = (p - (s - b)) + (d - b);
    /* An infinite or NaN sum has a NaN error, for which both comparisons are false. */
    if (e > 0 || e < 0) {
        uint64_t bits;
        memcpy(&bits, &s, sizeof bits);
        if ((bits & 1u) == 0) {
            /* One step away from zero where the error has the sign of the sum, else one towards it.
             */
            bits = ((e < 0) == (s < 0)) ? bits + 1u : bits - 1u;
            memcpy(&s, &bits, sizeof s);
        }
    }
    return (float)s;
#endif
}

/* How many bits are 1. */
BONN_INLINE int bonn_ones(uint32_t v) {
#if defined(__GNUC__) && (defined(__POPCNT__) || defined(__aarch64__) || defined(__riscv_zbb))
    return __builtin_popcount(v);
#else
    v = v - ((v >> 1) & 0x55555555u);
    v = (v & 0x33333333u) + ((v >> 2) & 0x33333333u);
    v = (v + (v >> 4)) & 0x0F0F0F0Fu;
    return (int)((v * 0x01010101u) >> 24);
#endif
}

BONN_INLINE int bonn_words(int channels) {
    return channels / 32 + (channels % 32 != 0);
}

/* The bits of word i that stand for one of so many channels. */
BONN_INLINE uint32_t bonn_used(int channels, int i) {
    const int left = channels - 32 * i;
    return left >= 32 ? 0xFFFFFFFFu : ((uint32_t)1 << left) - 1u;
}

/* Whether tap (i, j) of output (p, q) lies in the input, and on which pixel. */
BONN_INLINE int bonn_tap(const bonn_layer *l, int p, int q, int i, int j, int *pixel) {
    const int row = p * l->stride_height - l->top + i * l->dilation_height;
    const int column = q * l->stride_width - l->left + j * l->dilation_width;
    *pixel = row * l->width + column;
    return row >= 0 && row < l->height && column >= 0 && column < l->width;
}

#endif
