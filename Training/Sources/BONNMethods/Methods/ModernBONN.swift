public import BONNConfiguration
public import BONNNetworks
public import Torch

/// "Modern BONN": the losses of BONN (Gu et al., ICCV 2019) on the blocks, the quantizers and the two stages of
/// ReActNet (Liu et al., ECCV 2020), as methods.md 3.4 and 3.5 recommend; nobody has published it.
///
/// Forward and backward are ReActNet's. Latent weights follow the modes of `BayesianKernelLoss` beside that, with
/// Xhat = mean|X| sign(X), constant in backward, in the place of wbar sign(X) and without a w, since ReActNet
/// learns no scale:
///
///     J_i = |Xhat_i - X_i|^2 + nu sum_k (|x_k| - mu_i)^2 / sigma_i^2 + nu N_i log sigma_i^2.
///
/// That is reading C of BONN with a scale for each filter (methods.md 1.4). Without the losses (lambda = theta = 0)
/// it is ReActNet in every bit: the paired control. A stage with real weights has no kernel loss, so that it acts
/// in the second step only.
public struct ModernBONN: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "modernbonn", title: "BONN's losses on ReActNet's blocks",
        paper: "none: Gu et al., ICCV 2019, on Liu et al., ECCV 2020", widths: "1/1",
        reported: "nothing", deployment: "in bits")

    /// What the losses stand on.
    public var base = ReActNet()

    /// The keys of its settings: ReActNet's.
    public static let keys: [Key<ModernBONN>] = ReActNet.keys.at(\.base)

    /// Creates the method.
    public init() {}

    /// ReActNet's blocks.
    public var style: any BlockStyle { base.style }

    /// ReActNet's kernel, with modes.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        let kernels = [latent.shape[0]]
        let kernel = Kernel(
            base: try base.kernel(scope, latent: latent),
            mu: try scope.parameter("mu", kernels, .constant(0), role: .mu),
            sigma: try scope.parameter("sigma", kernels, .constant(1), role: .sigma))
        try kernel.fit(latent)
        return kernel
    }

    /// ReActNet's RSign.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer {
        try base.activation(scope, channels: channels)
    }

    /// A quantizer of scaled signs, whose latent weights X have modes at -mu_i and mu_i in each filter.
    struct Kernel: BimodalKernel {
        let base: any KernelQuantizer
        /// `[K]`.
        let mu: Parameter
        /// `[K]`.
        let sigma: Parameter

        var parameters: [Parameter] { [mu, sigma] }

        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            try base(latent, pass)
        }

        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            try base.deployed(latent)
        }

        func deviation(_ latent: Tensor, nu: Double) throws(TorchError) -> Tensor {
            let quantized = try base(latent.detached(), Pass(.evaluation))
            let count = Double(latent.count / latent.shape[0])
            // Their gradients are divided by N_i (equations 17 and 18).
            let (mean, deviation) = (
                try straightThrough(mu.tensor.detached(), gradientOf: mu.tensor / count),
                try straightThrough(sigma.tensor.detached(), gradientOf: sigma.tensor / count)
            )
            let offsets = try latent.abs() - mean.alongFirstAxis(of: latent)
            let squares = try offsets.square().flatten(from: 1).sum([1])
            let prior = try squares / deviation.square() + (deviation.log() * 2.0) * count
            return try (quantized - latent).square().sum() + nu * prior.sum()
        }

        func fit(_ latent: Tensor) throws(TorchError) {
            let moments = try BONNKernel.moments(latent)
            try withoutGradient { () throws(TorchError) in
                try mu.tensor.copy_(from: moments.mean)
                try sigma.tensor.copy_(from: moments.deviation)
            }
        }

        func constrain(_ latent: Tensor) throws(TorchError) {
            try base.constrain(latent)
            try sigma.tensor.copy_(from: sigma.tensor.clamp(min: BONNKernel.smallestSigma))
        }

        func statistics(_ latent: Tensor) throws(TorchError) -> [(name: String, value: Double)] {
            [
                ("mu", try mu.tensor.detached().to(.float64).mean().item()),
                ("sigma", try sigma.tensor.detached().to(.float64).mean().item()),
            ]
        }
    }
}
