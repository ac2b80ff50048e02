public import BONNConfiguration
public import BONNNetworks
import Foundation
public import Torch

/// ReCU (Xu et al., ICCV 2021): weights in the tails of their distribution, whose signs never flip, are pulled
/// to its quantile (methods.md 3.3).
///
///     W1 = 2 sqrt(2) (W - mean) / std of each filter;  Q = -mean|W1| ln(2 - 2 tau), mean over the layer;
///     Wb = alpha sign(clamp(W1, -Q, Q)), gradient of the sign as it is, alpha a learned number a filter;
///     activations: sign(x / std(x)) of each image in training, sign(x) else, with the polynomial slope;
///     tau = (te - ts)/(e - 1) exp(share of the epochs) + (e ts - te)/(e - 1), from 0.85 to 0.99
///
/// in the order sign, convolution, batch norm, + shortcut, hardtanh. Q is constant in backward; mean and std
/// have their derivatives. That deviations are of images, divide by n - 1 and have 1e-5 added to their square,
/// and that hardtanh stands behind the sum, is [M].
///
/// Reported: CIFAR-10 ResNet-18 92.8 %, ResNet-20 87.4 %, VGG-small 92.2 %; ImageNet ResNet-18 61.0 %,
/// ResNet-34 65.1 %, with ReActNet's recipe 66.4 %.
public struct ReCU: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "recu", title: "ReCU, revived weights",
        paper: "Xu et al., ReCU: Reviving the Dead Weights in Binary Neural Networks, ICCV 2021",
        widths: "1/1",
        reported: "ResNet-20 on CIFAR-10 87.4 %, ResNet-18 on ImageNet 61.0 %",
        figures: [
            ReportedFigure("resnet20", .cifar10, 87.4),
            ReportedFigure("vgg-small", .cifar10, 92.2),
            ReportedFigure("resnet18", .imageNet, 61.0),
            ReportedFigure("resnet34", .imageNet, 65.1),
        ],
        deployment: "in bits")

    /// tau in the first epoch.
    public var initialTau: Double
    /// tau at the end.
    public var finalTau: Double

    /// Added to variances.
    private static let epsilon = 1e-5

    /// The keys of its settings.
    public static let keys: [Key<ReCU>] = [
        .number("initial_tau", \.initialTau, in: 0.5...0.9999, "tau in the first epoch"),
        .number("final_tau", \.finalTau, in: 0.5...0.9999, "tau at the end"),
    ]

    /// tau from 0.85 to 0.99.
    public init() { self.init(initialTau: 0.85) }

    /// Creates the method.
    public init(initialTau: Double = 0.85, finalTau: Double = 0.99) {
        self.initialTau = initialTau
        self.finalTau = finalTau
    }

    /// Order of the layers.
    public var style: any BlockStyle { BiRealBlock(activation: [("hardtanh", .hardtanh)]) }

    /// Signs of clamped weights times a learned number.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        Kernel(
            scale: try scope.parameter(
                "scale", [latent.shape[0]], .between(0, 1), role: .gain),
            initialTau: initialTau, finalTau: finalTau)
    }

    /// sign.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { Activation() }

    struct Kernel: KernelQuantizer {
        let scale: Parameter
        let initialTau: Double
        let finalTau: Double

        var parameters: [Parameter] { [scale] }

        func tau(at progress: RunProgress) -> Double {
            let e = exp(1.0)
            return (finalTau - initialTau) / (e - 1) * exp(progress.share)
                + (e * initialTau - finalTau) / (e - 1)
        }

        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            let standard = try Self.standardized(latent)
            let quantile = -log(2 - 2 * tau(at: pass.progress))
            let limit = try standard.detached().abs().mean() * quantile
            let clamped = try standard.maximum(-limit).minimum(limit)
            return try straightThrough(signOrPlusOne(clamped), gradientOf: clamped)
                * scale.tensor.alongFirstAxis(of: latent)
        }

        /// Clamping keeps signs.
        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            .binary([
                try KernelTerm(
                    signsOf: Self.standardized(latent.detached()), scale: scale.tensor)
            ])
        }

        private static func standardized(_ latent: Tensor) throws(TorchError) -> Tensor {
            let centered = try latent.centeredFilters()
            let variance = try centered.variance(centered.dimensions(from: 1), unbiased: true)
            let deviation = try (variance + ReCU.epsilon).sqrt()
            return try centered / deviation.alongFirstAxis(of: latent) * 8.0.squareRoot()
        }
    }

    struct Activation: ActivationQuantizer {
        private let sign = SignQuantizer(.polynomial)

        func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            guard pass.isTraining else { return try sign(x, pass) }
            let deviation = try (x.variance(x.dimensions(from: 1), unbiased: true) + ReCU.epsilon)
                .sqrt()
            return try sign(x / deviation.alongFirstAxis(of: x), pass)
        }

        func deployed() throws(TorchError) -> DeployedActivation { try sign.deployed() }
    }
}
