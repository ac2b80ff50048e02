public import Torch

/// sign(x) with sign(0) = +1 and the estimator's gradient.
///
/// In a block it follows a batch norm at once, and `BatchNorm2d.sign` computes both in one operation;
/// this is the same function alone.
public struct ActivationQuantizer: Sendable {
    /// The estimator of the gradient.
    public var estimator: ActivationEstimator

    /// Creates a quantizer.
    public init(estimator: ActivationEstimator = .polynomial) {
        self.estimator = estimator
    }

    /// -1 or +1 for every element of `x`, of any shape.
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        let value = try signOrPlusOne(x)
        guard x.requiresGradient else { return value }
        let surrogate: Tensor
        switch estimator {
        case .clip:
            surrogate = try x.clamp(min: -1, max: 1)
        case .polynomial:
            // F(x) = 2x - x|x| on [-1, 1], +-1 outside: its slope is 2 - 2|x|.
            let inside = try x.clamp(min: -1, max: 1)
            surrogate = try inside * 2.0 - inside * inside.abs()
        }
        // soft - stop(soft) is an exact zero, so the value stays exactly +-1.
        return try value + (surrogate - surrogate.detached())
    }
}

/// sign(x) without a gradient, sign(0) = +1.
func signOrPlusOne(_ x: Tensor) throws(TorchError) -> Tensor {
    try x.detached().ge(0).to(x.dtype) * 2.0 - 1.0
}
