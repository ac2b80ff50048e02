// 1 / (1 + exp(-x)) in float64, each operation rounded by itself, and the quotient rounded to
// float32: the same bits with vectors of any width and in Swift
// (BONNModelFormat/DeploymentArithmetic.swift, which explains it).
//
// Include after f32xn, LANES and PIXELS are defined.
typedef double f64xn __attribute__((vector_size(8 * BONN_MAP_LANES)));
typedef int64_t i64xn __attribute__((vector_size(8 * BONN_MAP_LANES)));
typedef uint64_t u64xn __attribute__((vector_size(8 * BONN_MAP_LANES)));

// The coefficients of exp(r), 1/n!, from n = 10 on downwards.
static const double factorials[] = {0x1.27e4fb7789f5cp-22,
                                    0x1.71de3a556c734p-19,
                                    0x1.a01a01a01a01ap-16,
                                    0x1.a01a01a01a01ap-13,
                                    0x1.6c16c16c16c17p-10,
                                    0x1.1111111111111p-7,
                                    0x1.5555555555555p-5,
                                    0x1.5555555555555p-3,
                                    0x1p-1,
                                    1.0,
                                    1.0};

// Not inlined, so that its registers and its vectors of float64 are no concern of the other steps.
static __attribute__((noinline)) void sigmoid(f32xn *v, ptrdiff_t pixels) {
    const double shift = 0x1.8p52; // Added to a number of at most 2^51, it rounds it to an integer.
    for (ptrdiff_t i = 0; i < pixels; i++) {
        const f64xn x = __builtin_convertvector(v[i], f64xn);
        const i64xn is_positive = x >= 0;
        f64xn t = (f64xn)((i64xn)x | INT64_MIN);
        // A NaN fails the comparison and stays.
        const i64xn is_low = t < -128;
        t = (f64xn)(((i64xn)((f64xn){0} - 128) & is_low) | ((i64xn)t & ~is_low));
        const f64xn shifted = t * 0x1.71547652b82fep+0 + shift;
        const f64xn r = t - (shifted - shift) * 0x1.62e42fefa39efp-1;
        f64xn e = (f64xn){0} + factorials[0];
        UNROLL
        for (int n = 1; n < 11; n++) {
            e = e * r + factorials[n];
        }
        // The last bits of the shifted number are the power of two.
        e = e * (f64xn)(((u64xn)shifted << 52) + ((uint64_t)1023 << 52));
        const i64xn one = (i64xn)((f64xn){0} + 1);
        const f64xn numerator = (f64xn)((one & is_positive) | ((i64xn)e & ~is_positive));
        v[i] = __builtin_convertvector(numerator / (1 + e), f32xn);
    }
}
