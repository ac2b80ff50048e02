// What keeps sums in registers: functions that are inlined with constant arguments, loops over sums
// that are unrolled to the end, and a list of constants to choose one of.
#ifndef BONN_LOOPS_H
#define BONN_LOOPS_H

#define BONN_INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

// CASE(1) ... CASE(8), and CASE(1) ... CASE(14).
#define BONN_1_TO_8(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#define BONN_1_TO_14(CASE) BONN_1_TO_8(CASE) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)

#endif
