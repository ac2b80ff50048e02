public import BONNConfiguration
public import BONNNetworks
public import Torch

/// BNN-DL (Ding et al., CVPR 2019): BNN whose activations are kept where the gradient of their sign is: a loss
/// on the mean m and the deviation s of each channel of what a sign reads (methods.md 2.14).
///
///     L_a = mean_c max(0, 2 - |m| - s)^2 + mean_c max(0, s - 4)^2,  L_b = mean_c max(0, m^2 - s^2);
///     the loss is the mean of L_a + L_b over the layers, times 2, in the first 60 of 65 epochs
///
/// L_a's first term is against signs whose inputs all lie within the slope, its second one against saturation,
/// L_b against channels that are all of one sign. Weights are sign(W), W in [-1, 1], without a scale; signs of
/// activations have the slope of hardtanh. s divides by the number of elements; not stated ([M]).
///
/// Reported: ImageNet AlexNet 47.9 %; CIFAR-10 ResNet-18 90.5 %, VGG-small 90.0 % (as "RAD", others' tables).
public struct BNNDL: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "bnndl", title: "BNN-DL, regularized distributions of activations",
        paper: "Ding et al., Regularizing Activation Distribution for Training BNNs, CVPR 2019",
        widths: "1/1", reported: "AlexNet on ImageNet 47.9 %; VGG-small on CIFAR-10 90.0 %",
        figures: [
            ReportedFigure("vgg-small", .cifar10, 90.0, .others),
            ReportedFigure("alexnet", .imageNet, 47.9, .others),
        ],
        deployment: "in bits")

    /// Weight of the distribution loss.
    public var strength: Double
    /// The share of the epochs in which it acts.
    public var duration: Double

    private let weights = BNN(glorotRates: false)

    /// The keys of its settings.
    public static let keys: [Key<BNNDL>] = [
        .number("strength", \.strength, in: 0...1000, "weight of the distribution loss"),
        .number("duration", \.duration, in: 0...1, "share of the epochs in which it acts"),
    ]

    /// The settings of the authors' code.
    public init() { self.init(strength: 2) }

    /// Creates the method.
    public init(strength: Double = 2, duration: Double = 60.0 / 65) {
        self.strength = strength
        self.duration = duration
    }

    /// Order of the layers: BNN's.
    public var style: any BlockStyle { weights.style }

    /// BNN's plan.
    public func adapt(_ plan: NetworkPlan) throws(PlanError) -> NetworkPlan {
        try weights.adapt(plan)
    }

    /// sign(W): BNN's.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer { try weights.kernel(scope, latent: latent) }

    /// sign, with the slope of hardtanh.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { ObservedSign() }

    /// The distribution loss.
    public func objectives(for network: Network) -> [any Objective] {
        let signs = network.activationQuantizers.compactMap { $0 as? ObservedSign }
        guard strength > 0, !signs.isEmpty else { return [] }
        return [DistributionLoss(signs, strength: strength, duration: duration)]
    }

    /// sign that remembers what it read in training, until the loss has seen it.
    final class ObservedSign: ActivationQuantizer {
        private let sign = SignQuantizer(.clip)
        private var input: Tensor?

        func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            input = pass.isTraining ? x : nil
            return try sign(x, pass)
        }

        func deployed() throws(TorchError) -> DeployedActivation { try sign.deployed() }

        /// What the last pass of training read; nil when it was taken already.
        func take() -> Tensor? {
            defer { input = nil }
            return input
        }
    }

    /// The mean of L_a + L_b over the layers.
    final class DistributionLoss: Objective {
        let name = "distribution_loss"
        private let signs: [ObservedSign]
        private let strength: Double
        private let duration: Double

        init(_ signs: [ObservedSign], strength: Double, duration: Double) {
            self.signs = signs
            self.strength = strength
            self.duration = duration
        }

        func acts(at progress: RunProgress) -> Bool { progress.share < duration }

        func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
            var losses: [Tensor] = []
            for sign in signs {
                guard let x = sign.take() else {
                    throw TorchError(.state, "a distribution loss without a pass of training")
                }
                losses.append(try Self.loss(of: x))
            }
            return try Tensor.stack(losses).mean() * strength
        }

        /// L_a + L_b of what one layer reads, [N, C, H, W] or [N, C].
        static func loss(of x: Tensor) throws(TorchError) -> Tensor {
            let axes = [0] + Array(2..<x.shape.count)
            let mean = try x.mean(axes)
            let variance = try x.variance(axes, unbiased: false)
            // The root has no derivative at 0.
            let deviation = try (variance + 1e-12).sqrt()
            let mismatch = try (2.0 - mean.abs() - deviation).relu().square().mean()
            let saturation = try (deviation - 4.0).relu().square().mean()
            let degeneration = try (mean.square() - variance).relu().mean()
            return try mismatch + saturation + degeneration
        }
    }
}
