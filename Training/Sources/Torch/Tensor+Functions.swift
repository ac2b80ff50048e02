import CTorch
import Foundation

// Functions of single elements.

private typealias UnaryFunction = (OpaquePointer?, TensorAddress, MessageAddress) -> Int32

extension Tensor {
    private func unary(_ function: UnaryFunction) throws(TorchError) -> Tensor {
        try make(self) { function(handle, $0, $1) }
    }

    /// Absolute value; gradient 0 at 0.
    public func abs() throws(TorchError) -> Tensor { try unary(ctorch_abs) }

    /// Square root.
    public func sqrt() throws(TorchError) -> Tensor { try unary(ctorch_sqrt) }

    /// 1 / sqrt(x).
    public func rsqrt() throws(TorchError) -> Tensor { try unary(ctorch_rsqrt) }

    /// e to the power x.
    public func exp() throws(TorchError) -> Tensor { try unary(ctorch_exp) }

    /// Natural logarithm.
    public func log() throws(TorchError) -> Tensor { try unary(ctorch_log) }

    /// x * x.
    public func square() throws(TorchError) -> Tensor { try unary(ctorch_square) }

    /// Sine of x in radians.
    public func sin() throws(TorchError) -> Tensor { try unary(ctorch_sin) }

    /// Cosine of x in radians.
    public func cos() throws(TorchError) -> Tensor { try unary(ctorch_cos) }

    /// Hyperbolic tangent.
    public func tanh() throws(TorchError) -> Tensor { try unary(ctorch_tanh) }

    /// 1 / (1 + exp(-x)).
    public func sigmoid() throws(TorchError) -> Tensor { try unary(ctorch_sigmoid) }

    /// max(x, 0); gradient 0 at 0.
    public func relu() throws(TorchError) -> Tensor { try unary(ctorch_relu) }

    /// The greatest integer not above x; gradient 0.
    public func floor() throws(TorchError) -> Tensor { try unary(ctorch_floor) }

    /// The nearest integer, halves to the even one; gradient 0.
    public func round() throws(TorchError) -> Tensor { try unary(ctorch_round) }

    /// Whether x is neither infinite nor NaN, as booleans.
    public func isFinite() throws(TorchError) -> Tensor { try unary(ctorch_isfinite) }

    /// +1 where x >= 0, zero included, and -1 elsewhere; no gradient.
    ///
    /// This project's sign, in training as in the packed network. PyTorch's `sign(0)` is 0.
    public func sign() throws(TorchError) -> Tensor { try unary(ctorch_sign) }

    /// x limited to `min...max`; the gradient is 1 inside, both bounds included, and 0 outside.
    public func clamp(min: Double? = nil, max: Double? = nil) throws(TorchError) -> Tensor {
        guard min != nil || max != nil else {
            throw TorchError(.argument, "clamp of \(self): neither min nor max is given")
        }
        var low = min ?? 0
        var high = max ?? 0
        return try make(self) { result, failure in
            withUnsafePointer(to: &low) { low in
                withUnsafePointer(to: &high) { high in
                    ctorch_clamp(
                        handle, min == nil ? nil : low, max == nil ? nil : high, result, failure)
                }
            }
        }
    }
}

extension Tensor {
    /// AP2(z) = sign(z) 2^round(log2 |z|) of each element, and 0 for 0; without a gradient.
    public func nearestPowersOfTwo() throws(TorchError) -> Tensor {
        let still = try detached()
        let exponent = try (still.abs().log() / Foundation.log(2.0)).round()
        let base = try Tensor.full([], 2, dtype: dtype, device: device)
        return try base.pow(exponent) * still.sign()
    }
}

/// The same of a number.
public func nearestPowerOfTwo(_ z: Double) -> Double {
    guard z != 0 else { return 0 }
    let magnitude = exp2(log2(abs(z)).rounded(.toNearestOrEven))
    return z < 0 ? -magnitude : magnitude
}
