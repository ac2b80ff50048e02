public import BONNConfiguration
import BONNNetworks
public import Torch

/// Binary Weight Networks (Rastegari et al., XNOR-Net, ECCV 2016): W ~ alpha sign(W) with alpha = mean|W| of
/// each filter, the least squares solution, and real activations (methods.md 2.3).
///
///     dL/dW = dL/dW~ (1/n + alpha 1{|W| <= 1}) for a filter of n weights
///
/// Reported: CIFAR-10 90.12 % (BinaryConnect's network); ImageNet top-1 AlexNet 56.8 %, ResNet-18 60.8 %, a
/// GoogLeNet 65.5 %. First and last layers are real, and so are 1x1 shortcuts.
public struct BWN: WeightsOnlyMethod {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "bwn", title: "BWN, 1-bit weights with a scale per filter",
        paper: "Rastegari et al., XNOR-Net, ECCV 2016", widths: "1/32",
        reported: "ResNet-18 on ImageNet 60.8 %, AlexNet 56.8 %; ConvNet on CIFAR-10 90.12 %",
        figures: [
            ReportedFigure("convnet", .cifar10, 90.12),
            ReportedFigure("resnet18", .imageNet, 60.8),
            ReportedFigure("alexnet", .imageNet, 56.8),
        ],
        deployment: "1-bit weights on real activations")

    /// Whose backward pass is taken.
    public var source: XNORSource

    /// The keys of its settings.
    public static let keys: [Key<BWN>] = [
        .choice("source", \.source, "backward pass of paper or code")
    ]

    /// The backward pass of the paper.
    public init() { self.init(source: .paper) }

    /// Creates the method.
    public init(source: XNORSource = .paper) { self.source = source }

    /// alpha sign(W): XNOR-Net's.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        try XNORNet(source: source).kernel(scope, latent: latent)
    }
}
