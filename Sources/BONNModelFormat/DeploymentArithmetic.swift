/// Functions of one real number as every runtime of the format computes them, to the bit.
///
/// Documentation/model-format.md, section 6, states them; what trains a network and wants to know what it
/// will compute when it is deployed calls them here.
public enum DeploymentArithmetic {
    /// 1 / (1 + exp(-x)) in float64 operations, each rounded by itself, rounded once to float32.
    ///
    /// With t = max(-|x|, -128), n the integer nearest to t / ln 2 and r = t - n ln 2, exp(t) is 2^n times
    /// the polynomial of degree 10 that begins the series of exp(r). |r| is at most 0.347, where what the
    /// series leaves out is 2e-13 of it: the result is within 0.5001 units in the last place of the
    /// sigmoid. Large |x| give exactly 0 and 1, infinite ones too; a NaN stays a NaN.
    public static func sigmoid(_ x: Float) -> Float {
        guard !x.isNaN else { return x }
        let t = max(-abs(Double(x)), -128)
        let n = (t * 0x1.71547652b82fep+0).rounded(.toNearestOrEven)
        let r = t - n * 0x1.62e42fefa39efp-1
        // 1/10!, 1/9! and so on.
        var e = 0x1.27e4fb7789f5cp-22
        e = e * r + 0x1.71de3a556c734p-19
        e = e * r + 0x1.a01a01a01a01ap-16
        e = e * r + 0x1.a01a01a01a01ap-13
        e = e * r + 0x1.6c16c16c16c17p-10
        e = e * r + 0x1.1111111111111p-7
        e = e * r + 0x1.5555555555555p-5
        e = e * r + 0x1.5555555555555p-3
        e = e * r + 0x1p-1
        e = e * r + 1
        e = e * r + 1
        e *= Double(sign: .plus, exponent: Int(n), significand: 1)
        return Float((x >= 0 ? 1 : e) / (1 + e))
    }
}
