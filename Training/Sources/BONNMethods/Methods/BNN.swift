public import BONNConfiguration
public import BONNNetworks
public import Torch

/// Binarized Neural Networks (Hubara, Courbariaux et al., NIPS 2016): signs of weights and of activations
/// without any scale, which batch norm absorbs (methods.md 2.2).
///
///     Wb = sign(W), W kept in [-1, 1];  a = sign(x), dL/dx = dL/da 1{|x| <= 1}
///
/// in the order convolution, pooling, batch norm, sign. In the authors' Torch7 run neurons are drawn in
/// training, +1 with p = clip((x + 1) / 2, 0, 1), and signs at test.
///
/// Reported test errors: Theano MNIST 0.96 %, CIFAR-10 11.40 %, SVHN 2.80 %; Torch7 1.40 %, 10.15 %, 2.53 %.
/// ImageNet: AlexNet 27.9 % top-1 (XNOR-Net's table) and 36.1 % (the authors' follow-up), ResNet-18 42.2 %
/// (ABC-Net's authors).
///
/// What the study of Alizadeh et al. (ICLR 2019; methods.md 2.15) asks of is a setting: `slope` (what it calls
/// gradient clipping is the slope of hardtanh, for weights and activations), `clip_weights` and `pooling`.
///
/// Batch norm is the ordinary one unless `shift_based_norms` asks for the paper's other form (`ShiftNorm2d`); the last
/// one always is. As in the Torch7 run that has it, gamma and beta then stay in [-1, 1]. Loss and optimizer are
/// what a recipe says: the paper's are `losses.classification: squared_hinge` and a shift-based AdaMax or Adam.
public struct BNN: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "bnn", title: "BNN, signs without a scale",
        paper: "Hubara, Courbariaux et al., Binarized Neural Networks, NIPS 2016", widths: "1/1",
        reported:
            "its ConvNet on CIFAR-10 89.85 %; ResNet-18 on ImageNet 42.2 % (ABC-Net's authors)",
        figures: [
            ReportedFigure("convnet", .cifar10, 89.85, .others),
            ReportedFigure("vgg-small", .cifar10, 89.9, .others),
            ReportedFigure("resnet18", .imageNet, 42.2, .others, note: "ABC-Net's authors"),
            ReportedFigure("alexnet", .imageNet, 27.9, .others, note: "XNOR-Net's table"),
        ],
        deployment: "in bits")

    /// Whether neurons are drawn in training.
    public var stochastic: Bool
    /// Whether update steps of latent weights are multiplied by 1 / sqrt(1.5 / (fan-in + fan-out)).
    public var glorotRates: Bool
    /// How gradients pass the signs of weights and of activations.
    public var slope = Slope.clip
    /// Whether latent weights are kept in their range.
    public var clipWeights = true
    /// Where the pooling of networks without shortcuts stands.
    public var pooling = PoolingPlace.convolution

    /// Whether batch norms are shift-based.
    public var shiftBasedNorms = false

    /// The keys of its settings.
    public static let keys: [Key<BNN>] = [
        .flag("stochastic", \.stochastic, "neurons are drawn in training"),
        .flag(
            "glorot_rates", \.glorotRates,
            "update steps of latent weights times 1 / sqrt(1.5 / (fan-in + fan-out))"),
        .flag(
            "shift_based_norms", \.shiftBasedNorms,
            "batch norms multiply by powers of two, all but a last one"),
        .choice("slope", \.slope, "gradient of the signs of weights and activations"),
        .flag("clip_weights", \.clipWeights, "keep latent weights in their range"),
        .choice("pooling", \.pooling, "behind what max pooling stands"),
    ]

    /// Deterministic, with the rates of the authors' code.
    public init() { self.init(stochastic: false) }

    /// Creates the method.
    public init(stochastic: Bool = false, glorotRates: Bool = true) {
        self.stochastic = stochastic
        self.glorotRates = glorotRates
    }

    /// Draws activations, where they are drawn.
    public var drawsNumbers: Bool { stochastic }

    /// Order of the layers.
    public var style: any BlockStyle {
        BiRealBlock(convolutionsPerBlock: 2, pooling: pooling)
    }

    /// A batch norm behind a last layer of signs, whose sums are too large for a softmax.
    public func adapt(_ plan: NetworkPlan) throws(PlanError) -> NetworkPlan {
        try plan.normalizingQuantizedLogits()
    }

    /// Uniform over the range of latent weights.
    public func latent(_ kernel: [Int]) -> LatentParameter {
        LatentParameter(kernel, .uniform(bound: bound(kernel)))
    }

    /// sign(W).
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        // In its range, the slope of hardtanh is that of the identity.
        let isPlain = slope == .clip && clipWeights
        return BoundedSigns(
            bound: bound(latent.shape), slope: isPlain ? .identity : slope, isClipped: clipWeights)
    }

    /// sign, with the slope of the settings.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer {
        let sign = SignQuantizer(SignSlope(slope))
        return stochastic ? DrawnSign(sign: sign) : sign
    }

    /// The shift-based one, where it is asked for.
    public func normalization(
        _ scope: ParameterScope, channels: Int, momentum: Double, isLast: Bool
    ) throws(TorchError) -> any Normalization {
        shiftBasedNorms && !isLast
            ? try ShiftNorm2d(scope, channels: channels)
            : try BatchNorm2d(scope, channels: channels, momentum: momentum)
    }

    /// Keeps gamma and beta in [-1, 1] beside shift-based norms.
    public func rules(for network: Network) -> [any TrainingRule] {
        guard shiftBasedNorms else { return [] }
        return [BoundedNorms(network.store.parameters.filter { $0.role == .batchNorm })]
    }

    final class BoundedNorms: TrainingRule {
        private let parameters: [Parameter]

        init(_ parameters: [Parameter]) { self.parameters = parameters }

        func afterUpdate(_ progress: RunProgress) throws(TorchError) {
            try withoutGradient { () throws(TorchError) in
                for parameter in parameters { try parameter.tensor.clamp_(min: -1, max: 1) }
            }
        }
    }

    private func bound(_ shape: [Int]) -> Double {
        BoundedSigns.bound(shape, glorotRates: glorotRates)
    }

    /// Signs that are drawn in training.
    struct DrawnSign: ActivationQuantizer {
        let sign: SignQuantizer

        func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            guard pass.isTraining else { return try sign(x, pass) }
            return try straightThrough(
                drawnSigns(x, pass.generator), gradientOf: sign.slope.surrogate(x, pass))
        }

        func deployed() throws(TorchError) -> DeployedActivation { try sign.deployed() }
    }
}
