public import BONNConfiguration
public import BONNNetworks
public import Torch

/// IR-Net (Qin et al., CVPR 2020): balanced and standardized weights, scales that are powers of two, and a
/// gradient that sharpens over the epochs (methods.md 3.3).
///
///     W^ = (W - mean) / std of each filter;  Wb = 2^round(log2 mean|W^|) sign(W^), the power constant;
///     both signs have the gradient of `SignSlope.errorDecay`
///
/// in the order sign, convolution, batch norm, + shortcut, hardtanh, one shortcut a convolution, and a batch
/// norm in front of the last layer. mean and std have their derivatives; std divides by n - 1, as the authors'
/// library does ([M]).
///
/// Reported: CIFAR-10 ResNet-18 91.5 %, ResNet-20 85.4 % (86.5 % with a shortcut a convolution), VGG-small
/// 90.4 %; ImageNet ResNet-18 58.1 %, ResNet-34 62.9 %.
public struct IRNet: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "irnet", title: "IR-Net, standardized weights and a gradient that sharpens",
        paper:
            "Qin et al., Forward and Backward Information Retention for Accurate BNNs, CVPR 2020",
        widths: "1/1",
        reported: "ResNet-20 on CIFAR-10 86.5 %, ResNet-18 on ImageNet 58.1 %",
        figures: [
            ReportedFigure("resnet20", .cifar10, 86.5),
            ReportedFigure("vgg-small", .cifar10, 90.4),
            ReportedFigure("resnet18", .imageNet, 58.1),
            ReportedFigure("resnet34", .imageNet, 62.9),
        ],
        deployment: "in bits")

    /// t of the estimator at the start: 1e-3 in the authors' code of ResNet-20, 1e-1 in that of VGG-small.
    public var initialSharpness: Double

    /// Whether a batch norm stands in front of the last layer, as in the authors' code for CIFAR.
    public var normalizesFeatures: Bool

    /// The keys of its settings.
    public static let keys: [Key<IRNet>] = [
        .number(
            "initial_sharpness", \.initialSharpness, in: 1e-6...10,
            "t of the sign's gradient at the start, 10 at the end"),
        .flag(
            "normalized_features", \.normalizesFeatures, "a batch norm in front of the last layer"),
    ]

    /// The settings of the authors' code of ResNet-20.
    public init() { self.init(initialSharpness: 1e-3) }

    /// Creates the method.
    public init(initialSharpness: Double = 1e-3, normalizesFeatures: Bool = true) {
        self.initialSharpness = initialSharpness
        self.normalizesFeatures = normalizesFeatures
    }

    /// Order of the layers.
    public var style: any BlockStyle { BiRealBlock(activation: [("hardtanh", .hardtanh)]) }

    /// A batch norm in front of the last layer.
    public func adapt(_ plan: NetworkPlan) throws(PlanError) -> NetworkPlan {
        guard normalizesFeatures else { return plan }
        return try plan.inserting([("\(plan.features).norm", .batchNorm)], behind: plan.features)
    }

    private var slope: SignSlope { .errorDecay(from: initialSharpness) }

    /// Signs of standardized weights times a power of two.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer { Kernel(slope: slope) }

    /// sign.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { SignQuantizer(slope) }

    struct Kernel: KernelQuantizer {
        let slope: SignSlope

        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            let standard = try Self.standardized(latent)
            return try slope.sign(standard, pass)
                * Self.power(standard).alongFirstAxis(of: latent)
        }

        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            let standard = try Self.standardized(latent.detached())
            return .binary([
                try KernelTerm(signsOf: standard, scale: Self.power(standard))
            ])
        }

        private static func standardized(_ latent: Tensor) throws(TorchError) -> Tensor {
            let centered = try latent.centeredFilters()
            let deviation = try centered.flatten(from: 1).variance([1], unbiased: true).sqrt()
            return try centered / deviation.alongFirstAxis(of: latent)
        }

        /// 2^round(log2 mean|W^|) of each filter, `[K]`.
        private static func power(_ standard: Tensor) throws(TorchError) -> Tensor {
            try standard.detached().abs().filterMeans().nearestPowersOfTwo()
        }
    }
}
