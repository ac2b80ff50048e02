public import BONNConfiguration
public import BONNNetworks
public import Torch

/// Whose backward pass of XNOR-Net is taken.
public enum XNORSource: String, Sendable, CaseIterable {
    /// g (1/n + alpha 1{|W| <= 1}), the paper's equation for a filter of n weights.
    case paper
    /// The authors' code: filters are centered over their input channels and clipped to [-1, 1] before
    /// each pass, and the gradient is g (1/n + alpha 1{|W| < 1}) (1 - 1/Cin) n.
    case code
}

/// XNOR-Net (Rastegari et al., ECCV 2016): W ~ alpha sign(W) with alpha = mean|W| of each filter, the least
/// squares solution; batch norm and sign in front of the convolution (methods.md 2.3).
///
/// The magnitudes K of activations are a choice: the paper has them, the authors' code leaves them out, which
/// costs less than a percent.
public struct XNORNet: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "xnor", title: "XNOR-Net, a scale per filter",
        paper: "Rastegari et al., XNOR-Net, ECCV 2016", widths: "1/1",
        reported: "ResNet-18 on ImageNet 51.2 %, AlexNet 44.2 %; WRN-22 16-16-32-64 on CIFAR-10 "
            + "81.90 % (BONN's table)",
        figures: [
            ReportedFigure("wrn22 16-16-32-64", .cifar10, 81.9, .others, note: "BONN's table"),
            ReportedFigure("wrn22 16-16-32-64", .cifar100, 53.17, .others, note: "BONN's table"),
            ReportedFigure("convnet", .cifar10, 89.83),
            ReportedFigure("vgg-small", .cifar10, 89.8, .others),
            ReportedFigure("resnet20", .cifar10, 85.23, .others),
            ReportedFigure("resnet18", .imageNet, 51.2),
            ReportedFigure("alexnet", .imageNet, 44.2),
        ],
        deployment: "in bits")

    /// Whose backward pass is taken.
    public var source: XNORSource
    /// Whether sums are multiplied by K = A * k: A the mean |x| over the channels, k the average over the
    /// window.
    public var scaledActivations: Bool

    /// The keys of its settings.
    public static let keys: [Key<XNORNet>] = [
        .choice("source", \.source, "backward pass of paper or code").formerly("model.xnor_source"),
        .flag(
            "scaled_activations", \.scaledActivations,
            "multiply sums by the magnitudes K of activations, as the paper"),
    ]

    /// The paper's backward pass, without K.
    public init() { self.init(source: .paper) }

    /// Creates the method.
    public init(source: XNORSource = .paper, scaledActivations: Bool = false) {
        self.source = source
        self.scaledActivations = scaledActivations
    }

    /// Order of the layers.
    public var style: any BlockStyle { PreActivationBlock() }

    /// The plan with K where it is wanted.
    public func adapt(_ plan: NetworkPlan) throws(PlanError) -> NetworkPlan {
        scaledActivations ? try plan.withMagnitudes() : plan
    }

    /// alpha sign(W), alpha = mean|W| of each filter.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        let n = Double(latent.shape.dropFirst().reduce(1, *))
        switch source {
        case .paper:
            return ScaledSigns { (latent, alpha) throws(TorchError) in
                let inside = try latent.detached().abs().le(1).to(.float32)
                return try latent * (inside * alpha + 1 / n)
            }
        case .code:
            let factor = (1 - 1 / Double(latent.shape[1])) * n
            let kernel = ScaledSigns { (latent, alpha) throws(TorchError) in
                let inside = try latent.detached().abs().lt(1).to(.float32)
                return try latent * ((inside * alpha + 1 / n) * factor)
            } constrained: { (latent) throws(TorchError) in
                try (latent - latent.mean([1], keep: true)).clamp(min: -1, max: 1)
            }
            try kernel.constrain(latent)
            return kernel
        }
    }

    /// sign, with the slope of hardtanh.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { SignQuantizer(.clip) }
}
