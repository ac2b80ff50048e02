import BONNNetworks
import Torch

/// alpha sign(W) with alpha = mean|W| of each filter, constant in backward: the least squares solution of
/// XNOR-Net, which many methods have. They differ in the gradient.
struct ScaledSigns: KernelQuantizer {
    /// What stands for the kernel in backward, from W and alpha, `[K, 1, ...]`.
    let surrogate: (_ latent: Tensor, _ alpha: Tensor) throws(TorchError) -> Tensor
    /// What latent weights become after each step; nil: they stay.
    var constrained: ((_ latent: Tensor) throws(TorchError) -> Tensor)?

    func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
        let alpha = try Self.magnitudes(latent)
        return try straightThrough(
            signOrPlusOne(latent) * alpha, gradientOf: surrogate(latent, alpha))
    }

    func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
        .binary([
            try KernelTerm(signsOf: latent, scale: Self.magnitudes(latent))
        ])
    }

    func constrain(_ latent: Tensor) throws(TorchError) {
        guard let constrained else { return }
        try withoutGradient { () throws(TorchError) in
            try latent.copy_(from: constrained(latent))
        }
    }

    private static func magnitudes(_ latent: Tensor) throws(TorchError) -> Tensor {
        try latent.detached().abs().filterMeans().alongFirstAxis(of: latent)
    }
}

extension Tensor {
    /// `[K]` in the shape that meets each filter of latent weights [K, C, kh, kw] or [K, C], or each image
    /// of activations.
    func alongFirstAxis(of other: Tensor) throws(TorchError) -> Tensor {
        try reshape([-1] + [Int](repeating: 1, count: other.shape.count - 1))
    }

    /// The mean of each filter of latent weights, `[K]`.
    func filterMeans() throws(TorchError) -> Tensor { try flatten(from: 1).mean([1]) }

    /// Each filter of latent weights minus its mean.
    func centeredFilters() throws(TorchError) -> Tensor {
        try self - filterMeans().alongFirstAxis(of: self)
    }
}
