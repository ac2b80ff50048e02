public import Torch

/// The slope of sign(x) by which gradients pass: of a function that takes the sign's place in backward.
public enum Slope: String, Sendable, CaseIterable {
    /// (2 - 2|x|) for |x| < 1, else 0: of the piecewise polynomial of Bi-Real Net (ECCV 2018).
    case polynomial
    /// 1 for |x| <= 1, else 0: of hardtanh (BNN, 2016).
    case clip
    /// 1 everywhere (BinaryConnect, 2015).
    case identity
    /// 5 (2 - y tanh(y / 2)) / (1 + cosh y) with y = 5x: of the SignSwish of BNN+ (Darabi et al., 2018; methods.md
    /// 3.3, its 5 is Larq's).
    case swish
    /// 1 - tanh^2(x).
    case tanh

    /// What the fused operations call it; nil where they do not know it.
    var fusedCode: Int? {
        switch self {
        case .polynomial: 0
        case .clip: 1
        case .identity, .swish, .tanh: nil
        }
    }

    /// The function that has this slope.
    func surrogate(_ x: Tensor) throws(TorchError) -> Tensor {
        switch self {
        case .identity:
            return x
        case .clip:
            return try x.clamp(min: -1, max: 1)
        case .polynomial:
            // F(x) = 2x - x|x| on [-1, 1], +-1 outside: its slope is 2 - 2|x|.
            let inside = try x.clamp(min: -1, max: 1)
            return try inside * 2.0 - inside * inside.abs()
        case .swish:
            // 2 s (1 + y (1 - s)) - 1 with s = sigmoid(y).
            let y = try x * 5.0
            let s = try y.sigmoid()
            return try s * (y * (1.0 - s) + 1.0) * 2.0 - 1.0
        case .tanh:
            return try x.tanh()
        }
    }
}

/// The value of one tensor with the gradient of another of the same shape: value + surrogate - stop(surrogate)
/// without its roundings.
///
/// - Parameter value: has no gradient of its own.
public func straightThrough(
    _ value: Tensor, gradientOf surrogate: Tensor
) throws(TorchError) -> Tensor {
    guard surrogate.requiresGradient else { return value }
    return try Fused.straightThrough(value, gradientOf: surrogate)
}

/// sign(x) without a gradient, sign(0) = +1.
public func signOrPlusOne(_ x: Tensor) throws(TorchError) -> Tensor {
    try Fused.signOrPlusOne(x)
}
