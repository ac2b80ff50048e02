public import Torch

/// What a batch norm of a plan is in training; deployed it is a scale and a shift a channel.
public protocol Normalization {
    /// The normalised value, [N, C, H, W] or [N, C].
    func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor

    /// The inference form `y = x * scale + shift`, each `[C]`.
    func inferenceAffine() throws(TorchError) -> (scale: Tensor, shift: Tensor)
}

/// A batch norm in its place in a network.
struct NormalizationLayer: Layer {
    let norm: any Normalization

    func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor {
        try norm(inputs[0], pass)
    }
}

/// Batch norm over [N, C, H, W] or [N, C].
public struct BatchNorm2d: Normalization {
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
    public func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
        try x.batchNorm(
            weight: weight.tensor, bias: bias.tensor, runningMean: runningMean.tensor,
            runningVariance: runningVariance.tensor, training: pass.isTraining,
            momentum: pass.normMomentum ?? momentum, epsilon: epsilon)
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
