public import BONNConfiguration
import BONNNetworks
public import Torch

/// BinaryConnect (Courbariaux et al., NIPS 2015): 1-bit weights without a scale, real activations
/// (methods.md 2.1).
///
///     deterministic: Wb = sign(W);  stochastic: Wb = +1 with p = clip((W + 1) / 2, 0, 1), else -1;
///     dL/dW = dL/dWb;  W <- clip(W, -1, 1) after every update
///
/// Reported test errors: MNIST 1.29 % deterministic, 1.15 % stochastic; CIFAR-10 9.90 % and 8.27 %; SVHN 2.30 %
/// and 2.15 %. XNOR-Net's authors measured 35.4 % top-1 with AlexNet on ImageNet.
///
/// The stochastic mode is tested with the real weights, as in the authors' code, and is deployed so. The paper's
/// loss is the squared hinge, `losses.classification` of recipes; its network, in which all layers are binary, is
/// `convnet`.
public struct BinaryConnect: WeightsOnlyMethod {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "binaryconnect", title: "BinaryConnect, 1-bit weights without a scale",
        paper: "Courbariaux et al., BinaryConnect, NIPS 2015", widths: "1/32",
        reported: "its ConvNet on CIFAR-10 90.10 %, stochastic 91.73 %; AlexNet on ImageNet 35.4 % "
            + "(XNOR-Net's table)",
        figures: [
            ReportedFigure("convnet", .cifar10, 90.1, .others),
            ReportedFigure("alexnet", .imageNet, 35.4, .others, note: "XNOR-Net's table"),
        ],
        deployment: "1-bit weights on real activations; stochastic: real weights")

    /// Whether the weights of a step are drawn.
    public var stochastic: Bool
    /// Whether update steps are multiplied by 1 / sqrt(1.5 / (fan-in + fan-out)), as in the authors' code.
    public var glorotRates: Bool

    /// The keys of its settings.
    public static let keys: [Key<BinaryConnect>] = [
        .flag("stochastic", \.stochastic, "the weights of a step are drawn"),
        .flag(
            "glorot_rates", \.glorotRates,
            "update steps of latent weights times 1 / sqrt(1.5 / (fan-in + fan-out))"),
    ]

    /// Deterministic, with the rates of the authors' code.
    public init() { self.init(stochastic: false) }

    /// Creates the method.
    public init(stochastic: Bool = false, glorotRates: Bool = true) {
        self.stochastic = stochastic
        self.glorotRates = glorotRates
    }

    /// Draws weights, where they are drawn.
    public var drawsNumbers: Bool { stochastic }

    /// Uniform over the range of latent weights.
    public func latent(_ kernel: [Int]) -> LatentParameter {
        LatentParameter(kernel, .uniform(bound: bound(kernel)))
    }

    /// sign(W), or drawn.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        BoundedSigns(bound: bound(latent.shape), isDrawn: stochastic)
    }

    private func bound(_ shape: [Int]) -> Double {
        BoundedSigns.bound(shape, glorotRates: glorotRates)
    }
}
