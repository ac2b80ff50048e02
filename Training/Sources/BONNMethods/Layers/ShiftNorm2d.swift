import Torch

/// The shift-based batch norm of BNN (Hubara, Courbariaux et al., NIPS 2016), in which every multiplication but one
/// is by a power of two, over [N, C, H, W] or [N, C] (methods.md 2.2, from the authors' code):
///
///     AP2(z) = sign(z) 2^round(log2 |z|);  c = x - mean(x);  r = (mean(c AP2(c)) + epsilon)^(-1/2);
///     y = AP2(gamma) c AP2(r) + beta
///     dx = AP2(gamma) AP2(r) (g - mean(g) - AP2(c) AP2(r)^2 mean(AP2(c) g));
///     dgamma = sum AP2(c AP2(r)) g;  dbeta = sum g
///
/// A running mean and a running r, of which AP2 is taken in evaluation. The batch has a share of 0.125 in both; that r
/// starts at 1 is [M]. Deployed it is a batch norm, whose scale is a power of two.
struct ShiftNorm2d: Normalization {
    /// gamma, `[C]`.
    let weight: Parameter
    /// beta, `[C]`.
    let bias: Parameter
    /// Running mean, `[C]`.
    let runningMean: Parameter
    /// Running r, `[C]`.
    let runningInverse: Parameter

    private static let momentum = 0.125
    private static let epsilon = 1e-5

    /// Creates the layer with gamma 1, beta 0.
    init(_ scope: ParameterScope, channels: Int) throws(TorchError) {
        weight = try scope.parameter("weight", [channels], .constant(1), role: .batchNorm)
        bias = try scope.parameter("bias", [channels], .constant(0), role: .batchNorm)
        runningMean = try scope.parameter("running_mean", [channels], .constant(0), role: .buffer)
        runningInverse = try scope.parameter(
            "running_inverse", [channels], .constant(1), role: .buffer)
    }

    func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
        let axes = [0] + Array(2..<x.shape.count)
        let still = try x.detached()
        let mean =
            pass.isTraining
            ? try still.mean(axes, keep: true) : try runningMean.tensor.perChannel(of: x)
        let centered = try still - mean
        let rounded = try centered.nearestPowersOfTwo()
        let inverse =
            pass.isTraining
            ? try ((centered * rounded).mean(axes, keep: true) + Self.epsilon).rsqrt()
            : try runningInverse.tensor.perChannel(of: x)
        if pass.isTraining {
            let momentum = pass.normMomentum ?? Self.momentum
            try withoutGradient { () throws(TorchError) in
                try runningMean.tensor.lerp_(mean.flatten(), weight: momentum)
                try runningInverse.tensor.lerp_(inverse.flatten(), weight: momentum)
            }
        }
        let shift = try inverse.nearestPowersOfTwo()
        let gamma = try weight.tensor.detached().nearestPowersOfTwo().perChannel(of: x)
        let normal = try centered * shift
        let reached = try x.mappingGradient { (g) throws(TorchError) in
            let common = try (rounded * g).mean(axes, keep: true) * shift.square()
            return try (g - g.mean(axes, keep: true) - rounded * common) * (shift * gamma)
        }
        let scaled = try weight.tensor.perChannel(of: x) * normal.nearestPowersOfTwo()
        // In evaluation nothing moves the statistics, and the gradient is of no use.
        let surrogate = pass.isTraining ? try reached + scaled : scaled
        return try straightThrough(normal * gamma, gradientOf: surrogate)
            + bias.tensor.perChannel(of: x)
    }

    func inferenceAffine() throws(TorchError) -> (scale: Tensor, shift: Tensor) {
        let device = weight.tensor.device
        let gammas = try weight.tensor.detached().to(.cpu).floats()
        let inverses = try runningInverse.tensor.to(.cpu).floats()
        let scales = zip(gammas, inverses).map {
            nearestPowerOfTwo(Double($0)) * nearestPowerOfTwo(Double($1))
        }
        let scale = try Tensor(doubles: scales, shape: [scales.count]).to(device)
        let shift =
            try bias.tensor.detached().to(.float64) - runningMean.tensor.to(.float64) * scale
        return (try scale.to(.float32), try shift.to(.float32))
    }
}
