public import BONNNetworks
public import Torch

/// Bi-Real Net (Liu et al., ECCV 2018): a shortcut around every convolution, the piecewise polynomial slope
/// for activations, and weights whose gradient knows their magnitude (methods.md 2.10).
public struct BiRealNet: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "bireal", title: "Bi-Real Net, a shortcut per convolution",
        paper: "Liu et al., Bi-Real Net, ECCV 2018", widths: "1/1",
        reported: "ResNet-18 on ImageNet 56.4 %, ResNet-34 62.2 %", deployment: "in bits")

    /// Creates the method.
    public init() {}

    /// Order of the layers.
    public var style: any BlockStyle { BiRealBlock() }

    /// mean|W| sign(W), whose gradient knows the magnitude.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer { MagnitudeKernel(isAware: true) }

    /// sign, with the polynomial slope.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { SignQuantizer(.polynomial) }
}

/// mean|W| of each filter, constant in backward, times sign(W).
struct MagnitudeKernel: KernelQuantizer {
    /// Whether the gradient is g mean|W| 1{|W| < 1} (Bi-Real Net's paper), or g 1{|W| <= 1} (its code, and
    /// ReActNet's).
    let isAware: Bool

    func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
        let alpha = try latent.meanMagnitudes()
        let value = try signOrPlusOne(latent) * alpha
        guard isAware else {
            return try straightThrough(value, gradientOf: Slope.clip.surrogate(latent))
        }
        let slope = try latent.detached().abs().lt(1).to(.float32) * alpha
        return try straightThrough(value, gradientOf: latent * slope)
    }

    func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
        try .scaledSigns(latent)
    }
}
