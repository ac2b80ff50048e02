public import Torch

/// Batch norm over [N, C, H, W], with the sign behind it as one operation.
public struct BatchNorm2d {
    /// gamma, `[C]`.
    public let weight: Parameter
    /// beta, `[C]`.
    public let bias: Parameter
    /// Running mean, `[C]`.
    public let runningMean: Parameter
    /// Running unbiased variance, `[C]`.
    public let runningVariance: Parameter
    /// Share of a batch in the running statistics.
    public let momentum: Double
    /// Added to the variance.
    public let epsilon: Double

    /// Creates the layer with gamma 1, beta 0.
    public init(
        _ scope: ParameterScope, channels: Int, momentum: Double = 0.1, epsilon: Double = 1e-5
    ) throws(TorchError) {
        weight = try scope.parameter("weight", [channels], .constant(1), role: .batchNorm)
        bias = try scope.parameter("bias", [channels], .constant(0), role: .batchNorm)
        runningMean = try scope.parameter("running_mean", [channels], .constant(0), role: .buffer)
        runningVariance = try scope.parameter(
            "running_var", [channels], .constant(1), role: .buffer)
        self.momentum = momentum
        self.epsilon = epsilon
    }

    /// The normalised `x`.
    public func callAsFunction(_ x: Tensor, _ phase: Phase) throws(TorchError) -> Tensor {
        if phase == .deployment {
            let affine = try inferenceAffine()
            // Two operations, hence two roundings, as the runtime does it.
            return try x * affine.scale.view([1, -1, 1, 1]) + affine.shift.view([1, -1, 1, 1])
        }
        return try x.batchNorm(
            weight: weight.tensor, bias: bias.tensor, runningMean: runningMean.tensor,
            runningVariance: runningVariance.tensor, training: phase == .training,
            momentum: momentum, epsilon: epsilon)
    }

    /// sign of the normalised `x`: +-1, with the estimator's gradient.
    public func sign(
        _ x: Tensor, _ phase: Phase, estimator: ActivationEstimator
    ) throws(TorchError) -> Tensor {
        if phase == .deployment {
            return try signOrPlusOne(self(x, phase))
        }
        return try Fused.batchNormSign(
            x, weight: weight.tensor, bias: bias.tensor, runningMean: runningMean.tensor,
            runningVariance: runningVariance.tensor, training: phase == .training,
            momentum: momentum, epsilon: epsilon, estimator: estimator.code)
    }

    /// The inference form `y = x * scale + shift`, each `[C]`, computed in float64 and rounded once.
    public func inferenceAffine() throws(TorchError) -> (scale: Tensor, shift: Tensor) {
        let variance = try runningVariance.tensor.to(.float64)
        let scale = try weight.tensor.detached().to(.float64) / (variance + epsilon).sqrt()
        let shift =
            try bias.tensor.detached().to(.float64) - runningMean.tensor.to(.float64) * scale
        return (try scale.to(.float32), try shift.to(.float32))
    }
}
