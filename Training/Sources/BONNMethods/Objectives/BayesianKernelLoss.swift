public import BONNConfiguration
public import Torch

/// What a recipe says of the Bayesian kernel loss.
public struct KernelLossSettings: ObjectiveSettings {
    /// The name of the objective.
    public static let name = "kernel_loss"

    /// The keys.
    public static let keys: [Key<KernelLossSettings>] = [
        .number(
            "kernel", \.lambda, in: 0...(.greatestFiniteMagnitude), "lambda, Bayesian kernel loss"),
        .number(
            "nu", \.nu, in: 0...(.greatestFiniteMagnitude),
            "nu, variance of the quantization error"),
    ]

    /// Lambda: the weight of the loss (equation 9).
    public var lambda = 1e-4
    /// Nu: the variance of the binarization error, the weight of the prior (equation 5).
    public var nu = 1e-4

    /// The defaults.
    public init() {}

    /// Creates settings.
    public init(lambda: Double, nu: Double = 1e-4) {
        self.lambda = lambda
        self.nu = nu
    }

    /// The loss of all layers whose latent weights have modes.
    public func objective(for network: Network) -> (any Objective)? {
        let formula = BayesianKernelLoss(self)
        let loss = LayerLoss(Self.name, of: network) { layer in
            guard let kernel = layer.quantizer as? any BimodalKernel else { return nil }
            return { () throws(TorchError) in try formula(layer.latent.tensor, kernel) }
        }
        return lambda > 0 && loss.hasTerms ? loss : nil
    }
}

/// The Bayesian kernel loss (BONN, equations 7 and 9): `lambda / 2 * sum over layers and kernels of J_i`,
///
///     J_i = |xhat - w o x|^2 + nu sum_k (|x_k| - mu_i)^2 / sigma_i^2 + nu N_i log sigma_i^2,
///
/// in the form the paper simplifies to: one variance and one mean a kernel. Its gradients are the
/// printed ones (equations 13, 16, 17, 18), so those of mu and sigma are divided by N_i. What xhat and w are, the
/// layer's quantizer says (`BimodalKernel`).
public struct BayesianKernelLoss: Sendable {
    private let settings: KernelLossSettings

    /// Creates the loss.
    public init(_ settings: KernelLossSettings) { self.settings = settings }

    /// The loss of the latent weights of one layer, a scalar.
    public func callAsFunction(
        _ latent: Tensor, _ kernel: any BimodalKernel
    ) throws(TorchError) -> Tensor {
        try (settings.lambda / 2) * kernel.deviation(latent, nu: settings.nu)
    }
}

/// A kernel quantizer whose latent weights have the two modes of the Bayesian kernel loss.
public protocol BimodalKernel: KernelQuantizer {
    /// The sum of J_i over the kernels of a layer, a scalar; the gradients of mu and sigma are divided by N_i.
    func deviation(_ latent: Tensor, nu: Double) throws(TorchError) -> Tensor
}
