public import BONNConfiguration
public import BONNNetworks
public import Torch

/// BNN+ (Darabi et al., BNN+: Improved Binary Network Training, 2018): a slope of the sign that is that of a swish, and
/// weights that are pulled to +-alpha (methods.md 3.3).
///
///     SS(x) = 2 s (1 + y (1 - s)) - 1, y = 5x, s = sigmoid(y): the slope of the signs of weights and activations;
///     R_1 = sum |alpha - |W||,  R_2 = sum (alpha - |W|)^2;  the loss has lambda R of each layer
///
/// That there is a regularizer which pulls |W| to +-alpha is [M], and so is all that is said of it here: both of its
/// forms, a learned alpha, and lambda = 1e-6. The reading taken is one alpha a filter, by which the signs of the layer
/// are multiplied too, which starts as mean|W| and has gradients of both. The 5 in the slope is Larq's; the order of
/// layers is BNN's, and latent weights are kept in no range, as the regularizer has one for them.
///
/// Reported: CIFAR-10 VGG-small 91.31 %, ResNet-20 84.59 % ([C]); ImageNet ResNet-18 53.0 % ([M]).
public struct BNNPlus: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "bnnplus", title: "BNN+, a swish for a slope and a pull to +-alpha",
        paper: "Darabi et al., BNN+: Improved Binary Network Training, 2018", widths: "1/1",
        reported:
            "VGG-small on CIFAR-10 91.31 %, ResNet-20 84.59 % (others' tables); ResNet-18 on ImageNet 53.0 % "
            + "(from memory)",
        figures: [
            ReportedFigure("vgg-small", .cifar10, 91.31, .others),
            ReportedFigure("resnet20", .cifar10, 84.59, .others),
            ReportedFigure("resnet18", .imageNet, 53.0, .memory),
        ],
        deployment: "in bits")

    /// What pulls |W| to alpha.
    public enum Regularizer: String, Sendable, CaseIterable {
        /// R_1, equally strong everywhere.
        case absolute
        /// R_2, the stronger the farther.
        case squared
    }

    /// What pulls |W| to alpha.
    public var regularizer = Regularizer.absolute
    /// Its weight.
    public var lambda = 1e-6

    /// The keys of its settings.
    public static let keys: [Key<BNNPlus>] = [
        .choice(
            "regularizer", \.regularizer, "what of alpha - |W| is summed: magnitudes or squares"),
        .number(
            "lambda", \.lambda, in: 0...1000, "weight of the pull of latent weights to +-alpha"),
    ]

    /// R_1.
    public init() {}

    /// Order of the layers: BNN's.
    public var style: any BlockStyle { BiRealBlock(convolutionsPerBlock: 2) }

    /// alpha sign(W), alpha learned.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        try LearnedScaleSigns(scope, of: latent, .swish)
    }

    /// sign, with the slope of the swish.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { SignQuantizer(SignSlope(.swish)) }

    /// lambda R.
    public func objectives(for network: Network) -> [any Objective] {
        guard lambda > 0 else { return [] }
        return [
            LayerLoss("regularizer", of: network) { layer in
                guard let kernel = layer.quantizer as? LearnedScaleSigns else { return nil }
                return { [regularizer, lambda] () throws(TorchError) in
                    let latent = layer.latent.tensor
                    let alpha = try kernel.scale.tensor.alongFirstAxis(of: latent)
                    let rest = try alpha - latent.abs()
                    return switch regularizer {
                    case .absolute: try rest.abs().sum() * lambda
                    case .squared: try rest.square().sum() * lambda
                    }
                }
            }
        ]
    }
}
