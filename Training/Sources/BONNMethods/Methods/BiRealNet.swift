public import BONNConfiguration
public import BONNNetworks
public import Torch

/// Bi-Real Net (Liu et al., ECCV 2018): a shortcut around every convolution, the piecewise polynomial slope
/// for activations, and weights whose gradient knows their magnitude (methods.md 2.10).
public struct BiRealNet: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "bireal", title: "Bi-Real Net, a shortcut per convolution",
        paper: "Liu et al., Bi-Real Net, ECCV 2018", widths: "1/1",
        reported: "ResNet-18 on ImageNet 56.4 %, ResNet-34 62.2 %",
        figures: [
            ReportedFigure("resnet18", .imageNet, 56.4),
            ReportedFigure("resnet34", .imageNet, 62.2),
        ],
        deployment: "in bits")

    /// How gradients pass the signs of activations.
    public var slope = SignSlope.polynomial

    /// The keys of its settings.
    public static let keys: [Key<BiRealNet>] = SignSlope.keys.at(\.slope)

    /// Creates the method.
    public init() {}

    /// Order of the layers.
    public var style: any BlockStyle { BiRealBlock() }

    /// mean|W| sign(W), whose gradient knows the magnitude.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        // g alpha 1{|W| < 1}.
        ScaledSigns { (latent, alpha) throws(TorchError) in
            try latent * (latent.detached().abs().lt(1).to(.float32) * alpha)
        }
    }

    /// sign, with the slope of the settings.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { SignQuantizer(slope) }
}
