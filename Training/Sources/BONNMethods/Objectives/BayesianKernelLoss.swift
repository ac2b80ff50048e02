public import Torch

/// The Bayesian kernel loss (BONN, equations 7 and 9): `lambda / 2 * sum over layers and kernels of J_i`,
///
///     J_i = |xhat - w o x|^2 + nu sum_k (|x_k| - mu_i)^2 / sigma_i^2 + nu N_i log sigma_i^2,
///
/// in the form the paper simplifies to: one variance and one mean a kernel. Its gradients are the
/// printed ones (equations 13, 16, 17, 18), so those of mu and sigma are divided by N_i.
public struct BayesianKernelLoss: Sendable, Equatable {
    /// Weight of the Bayesian terms.
    public var lambda: Double
    /// Variance of the binarisation error, the weight of the prior.
    public var nu: Double

    /// Creates the loss.
    public init(lambda: Double, nu: Double) {
        self.lambda = lambda
        self.nu = nu
    }

    /// The loss of the latent weights of one layer, a scalar.
    public func callAsFunction(
        _ latent: Tensor, _ kernel: BONNKernel
    ) throws(TorchError) -> Tensor {
        try (lambda / 2)
            * Fused.kernelLoss(
                latent.reshape(BONNKernel.windowed(latent.shape)), kernel.scale.tensor,
                mu: kernel.mu.tensor, sigma: kernel.sigma.tensor, nu: nu,
                reading: kernel.reading.code)
    }
}
