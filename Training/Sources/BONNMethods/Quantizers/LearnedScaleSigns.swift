import BONNNetworks
import Torch

/// alpha sign(W) with a learned alpha a filter, which starts as mean|W|, the least squares solution:
///
///     dL/dW = dL/dWb alpha slope(W),  dL/dalpha = sum dL/dWb sign(W)
struct LearnedScaleSigns: KernelQuantizer {
    /// alpha, `[K]`.
    let scale: Parameter
    /// How gradients pass the signs.
    let slope: Slope

    init(_ scope: ParameterScope, of latent: Tensor, _ slope: Slope) throws(TorchError) {
        scale = try scope.parameter("scale", [latent.shape[0]], .constant(0), role: .gain)
        self.slope = slope
        try fit(latent)
    }

    var parameters: [Parameter] { [scale] }

    func fit(_ latent: Tensor) throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            try scale.tensor.copy_(from: latent.abs().filterMeans())
        }
    }

    func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
        try straightThrough(signOrPlusOne(latent), gradientOf: slope.surrogate(latent))
            * scale.tensor.alongFirstAxis(of: latent)
    }

    func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
        .binary([try KernelTerm(signsOf: latent, scale: scale.tensor)])
    }
}
