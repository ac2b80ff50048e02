public import BONNNetworks
public import Torch

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
        deployment: "in bits")

    /// Whose backward pass is taken.
    public var source: XNORSource
    /// Whether sums are multiplied by K = A * k: A the mean |x| over the channels, k the average over the
    /// window.
    public var scaledActivations: Bool
    /// Order of the layers.
    public let style: any BlockStyle

    /// Creates the method.
    public init(
        source: XNORSource = .paper, scaledActivations: Bool = false,
        style: any BlockStyle = PreActivationBlock()
    ) {
        self.source = source
        self.scaledActivations = scaledActivations
        self.style = style
    }

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
