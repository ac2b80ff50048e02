public import BONNNetworks
public import Torch

/// Activations to values of few bits: in training with a gradient, deployed as plain data.
public protocol ActivationQuantizer {
    /// The quantized `x`, [N, C, H, W] or [N, C], with the gradient that training needs.
    func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor

    /// The same function of one value as comparisons with levels.
    func deployed() throws(TorchError) -> DeployedActivation
}

/// sign(x), sign(0) = +1, with the gradient of a slope.
public struct SignQuantizer: ActivationQuantizer {
    /// How gradients pass.
    public let slope: SignSlope

    /// Creates a quantizer.
    public init(_ slope: SignSlope) { self.slope = slope }

    /// -1 or +1 of x + shift, `[C]`.
    func callAsFunction(
        _ x: Tensor, shiftedBy shift: Tensor, _ pass: Pass
    ) throws(TorchError) -> Tensor {
        guard pass.isFusing, x.shape.count == 4, let estimator = slope.shape.fusedCode else {
            return try self(x + shift.perChannel(of: x), pass)
        }
        return try Fused.slopedSign(
            x, shift: shift, estimator: estimator, window: slope.window(at: pass.progress))
    }

    /// -1 or +1.
    public func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
        if pass.isFusing, let estimator = slope.shape.fusedCode {
            return try Fused.slopedSign(
                x, estimator: estimator, window: slope.window(at: pass.progress))
        }
        return try slope.sign(x, pass)
    }

    /// One plane.
    public func deployed() throws(TorchError) -> DeployedActivation { .planes([.sign]) }
}
