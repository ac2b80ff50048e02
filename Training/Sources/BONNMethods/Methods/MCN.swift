public import BONNConfiguration
public import BONNNetworks
public import Torch

/// Modulated Convolutional Networks (Wang et al., CVPR 2018): binarized filters, each modulated by K learned
/// windows of magnitudes; real activations (methods.md 2.12).
///
///     Chat_i = mean|C| sign(C_i);  Q_ij = Chat_i o M_j, j = 1 ... K, M_j one window for all channels;
///     dL/dM_j = sum_i dL/dQ_ij . Chat_i - theta sum_i (C_i - Chat_i o M_j) . Chat_i, then M <- |M|;
///     dL/dC_i = sum_j dL/dQ_ij o M_j - theta sum_j (C_i - Chat_i o M_j) o M_j
///
/// A layer of N outputs has N / K latent filters, each of which gives K outputs that stand side by side. The
/// magnitude of Chat is the mean over the layer ([M]); the terms of theta are the printed updates, which are
/// those of theta / 2 sum_ij ||C_i - Chat_i o M_j||^2 with the gradient of Chat given to C, and not of the
/// printed norm, which has a sum over j inside ([M]). M starts around 1, which is not printed. MCN-1 has one number in
/// the place of each window.
///
/// theta is not printed either. The printed step goes away from Chat_i o M_j wherever C_i is beyond it, so latent weights
/// grow: in three epochs of CIFAR-10 with Adam and theta = 1e-3 to up to forty times their size, at 23.90 % top-1, with
/// 1e-5 to up to twice, at 64.93 %.
///
/// The loss has a third term, theta / 2 ||Chat_i - C_i - eta delta_i||^2 with delta_i = dL_S/dChat_i. Its gradient with
/// respect to Chat, theta (Chat_i - C_i - eta delta_i), is applied to C as those of the other terms are ([D]); it is
/// known behind the backward pass only, so the loss in the tables is the one without it. No eta is printed, and
/// the term is there only where `eta` is set. The center loss is not part of the method here: `losses` of recipes.
///
/// Reported on CIFAR-10, 20 layers of stages 16-16-32-64, 16-32-64-128, 32-64-128-256 and 64-64-128-256: MCN
/// 92.08, 93.98, 95.13 and 95.30 %, MCN-1 92.10, 93.94, 95.33 and 95.34 %.
public struct MCN: WeightsOnlyMethod {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "mcn", title: "MCN, modulated 1-bit weights",
        paper: "Wang et al., Modulated Convolutional Networks, CVPR 2018", widths: "1/32",
        reported: "20 layers of 16-16-32-64 on CIFAR-10 92.08 %, MCN-1 92.10 %",
        figures: [
            ReportedFigure("20 layers, 16-16-32-64", .cifar10, 92.1, note: "MCN-1")
        ],
        deployment: "MCN-1: 1-bit weights on real activations; MCN: real weights, a magnitude a tap"
    )

    /// K, windows of magnitudes.
    public var modulations: Int
    /// Whether a window is one number: MCN-1.
    public var averaged: Bool
    /// Weight of the reconstruction.
    public var theta: Double
    /// How far C moves along delta in the discrete term; nil: that term is not there.
    public var eta: Double?

    /// The keys of its settings.
    public static let keys: [Key<MCN>] = [
        .integer("modulations", \.modulations, in: 1...16, "windows of magnitudes, K"),
        .flag("averaged", \.averaged, "a window is one number: MCN-1"),
        .number("theta", \.theta, in: 0...1000, "weight of the reconstruction"),
        .optionalNumber(
            "eta", \.eta, in: 0...1e6,
            "of the gradient that is added to C in the discrete term; null: no such term"),
    ]

    /// MCN-1 of four modulations.
    public init() { self.init(modulations: 4) }

    /// Creates the method.
    public init(modulations: Int = 4, averaged: Bool = true, theta: Double = 1e-5) {
        self.modulations = modulations
        self.averaged = averaged
        self.theta = theta
    }

    /// The plan without quantizers, whose quantized layers have a multiple of K outputs.
    public func adapt(_ plan: NetworkPlan) throws(PlanError) -> NetworkPlan {
        try plan.requireOutputs(divisibleBy: modulations, "method.modulations")
        return plan.withRealActivations()
    }

    /// A filter for K outputs.
    public func latent(_ kernel: [Int]) -> LatentParameter {
        LatentParameter([kernel[0] / modulations] + kernel.dropFirst())
    }

    /// Modulated signs.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        let isPoint = averaged || latent.shape.count != 4
        let window = isPoint ? [1, 1] : Array(latent.shape.suffix(2))
        return Kernel(
            modulation: try scope.parameter(
                "modulation", [modulations] + window, .between(0.5, 1.5), role: .modulation),
            gradient: eta != nil && theta > 0 ? RememberedGradient() : nil)
    }

    /// The reconstruction.
    public func objectives(for network: Network) -> [any Objective] {
        guard theta > 0 else { return [] }
        return [
            LayerLoss("reconstruction", of: network) { layer in
                guard let kernel = layer.quantizer as? Kernel else { return nil }
                return { [theta] () throws(TorchError) in
                    try kernel.loss(layer.latent.tensor) * (theta / 2)
                }
            }
        ]
    }

    /// The discrete term.
    public func rules(for network: Network) -> [any TrainingRule] {
        guard let eta, theta > 0 else { return [] }
        return [
            GradientTerms(of: network) { layer in
                guard let kernel = layer.quantizer as? Kernel else { return nil }
                return { [theta] () throws(TorchError) in
                    try kernel.addGradient(layer.latent, theta: theta, eta: eta)
                }
            }
        ]
    }

    struct Kernel: KernelQuantizer {
        /// M, `[K, kh, kw]` or `[K, 1, 1]`.
        let modulation: Parameter
        /// delta, where there is a discrete term.
        var gradient: RememberedGradient?

        var parameters: [Parameter] { [modulation] }

        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            var binarized = try binarized(latent)
            if pass.isTraining, let gradient { binarized = try gradient(binarized) }
            return try modulated(binarized).copies(of: latent)
        }

        /// theta (Chat - C - eta delta).
        func addGradient(_ latent: Parameter, theta: Double, eta: Double) throws(TorchError) {
            guard let delta = gradient?.take() else { return }
            let rest = try binarized(latent.tensor) - latent.tensor - delta * eta
            try latent.addGradient(rest * theta)
        }

        /// sum ||C - Chat o M||^2, C itself constant.
        func loss(_ latent: Tensor) throws(TorchError) -> Tensor {
            try (latent.detached().asWindows() - modulated(binarized(latent))).square().sum()
        }

        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            let still = try latent.detached()
            let kernel = try modulated(binarized(still)).detached()
            guard modulation.tensor.count == modulation.tensor.shape[0] else {
                return .real(try kernel.copies(of: latent).to(.cpu).floats())
            }
            // One magnitude an output.
            let count = kernel.shape[0] * kernel.shape[1]
            return .binary([
                try KernelTerm(
                    signsOf: kernel.copies(of: latent),
                    scale: kernel.abs().reshape([count, -1]).select(dim: 1, index: 0))
            ])
        }

        func constrain(_ latent: Tensor) throws(TorchError) {
            try withoutGradient { () throws(TorchError) in
                try modulation.tensor.copy_(from: modulation.tensor.abs())
            }
        }

        /// Chat.
        private func binarized(_ latent: Tensor) throws(TorchError) -> Tensor {
            try straightThrough(
                signOrPlusOne(latent) * latent.detached().abs().mean(), gradientOf: latent)
        }

        /// Chat o M: [I, K, C, kh, kw].
        private func modulated(_ binarized: Tensor) throws(TorchError) -> Tensor {
            try binarized.asWindows() * modulation.tensor.unsqueeze(0).unsqueeze(2)
        }
    }
}

extension ParameterRole {
    /// The magnitudes of modulated weights, which are deployed with them.
    static let modulation = ParameterRole("modulation", decay: .never, isDeployed: true)
}
