// Fused multiply-add of float32 vectors: the one operation that sums of real products are made of.
//
// Where the processor has it, it is one instruction. Elsewhere it is computed in float64, to the
// same bits: the product of two float32 numbers is exact there, and the sum s = fl(p + a) with its
// error e (Knuth's TwoSum) is turned into the sum rounded to odd: where e is not 0 and the last bit
// of s is even, the neighbour of s on the side of e. Rounding that to float32 equals rounding the
// exact sum, because float64 has more than two bits more than float32 and a larger range of
// exponents (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
//
// A file defines BONN_HAS_FMA as 0 or 1 for the instruction set that it compiles for.
#ifndef BONN_FMA_H
#define BONN_FMA_H

#include "loops.h"
#include <float.h>
#include <stdint.h>

#pragma STDC FP_CONTRACT OFF

#if !BONN_HAS_FMA && FLT_EVAL_METHOD != 0
#error "float64 operations must round to float64"
#endif

// Defines bonn_fma_##lanes: acc = fma(x, w, acc) in each of `lanes` lanes.
#if BONN_HAS_FMA
#define BONN_DEFINE_FMA(lanes, f32, f64, i64)                                                      \
    BONN_INLINE void bonn_fma_##lanes(f32 *acc, const f32 *x, const f32 *w) {                      \
        *acc = __builtin_elementwise_fma(*x, *w, *acc);                                            \
    }
#else
#define BONN_DEFINE_FMA(lanes, f32, f64, i64)                                                      \
    BONN_INLINE void bonn_fma_##lanes(f32 *acc, const f32 *x, const f32 *w) {                      \
        const f64 a = __builtin_convertvector(*acc, f64);                                          \
        const f64 p = __builtin_convertvector(*x, f64) * __builtin_convertvector(*w, f64);         \
        const f64 s = p + a;                                                                       \
        const f64 b = s - p;                                                                       \
        const f64 e = (p - (s - b)) + (a - b);                                                     \
        /* An infinite or NaN sum has a NaN error, for which both comparisons are false. */        \
        const i64 inexact = (e > 0) | (e < 0);                                                     \
        const i64 even = ((i64)s & 1) - 1;                                                         \
        /* One step away from zero where e has the sign of s, else one towards zero. */            \
        const i64 step = (((i64)e ^ (i64)s) >> 63) | 1;                                            \
        *acc = __builtin_convertvector((f64)((i64)s + (step & inexact & even)), f32);              \
    }
#endif

typedef float bonn_f32x8 __attribute__((ext_vector_type(8)));
typedef double bonn_f64x8 __attribute__((ext_vector_type(8)));
typedef int64_t bonn_i64x8 __attribute__((ext_vector_type(8)));
typedef float bonn_f32x16 __attribute__((ext_vector_type(16)));
typedef double bonn_f64x16 __attribute__((ext_vector_type(16)));
typedef int64_t bonn_i64x16 __attribute__((ext_vector_type(16)));

BONN_DEFINE_FMA(8, bonn_f32x8, bonn_f64x8, bonn_i64x8)
BONN_DEFINE_FMA(16, bonn_f32x16, bonn_f64x16, bonn_i64x16)

#endif
