public import BONNConfiguration
import BONNModelFormat
public import BONNNetworks
public import Torch

/// WAGE (Wu et al., Training and Inference with Integers in Deep Neural Networks, ICLR 2018): weights, activations,
/// gradients and errors of a few bits each, 2-8-8-8, no batch norm (methods.md 2.8).
///
///     S(k) = 2^(k-1), Q(x, k) = round(x S) / S, C(x, k) = clip(x, -1 + 1/S, 1 - 1/S), Shift(x) = 2^round(log2 x)
///     W: Q(C(W, kW), kW) / alpha, gradient as it is;  alpha = max(1, Shift(Lmin / sqrt(6 / fan-in))),
///        Lmin = 1.5 / S(kW), W starts evenly within max(sqrt(6 / fan-in), Lmin)
///     A: Q(C(x, kA), kA), of which the clip has its gradient
///     E: e <- Q(C(e / Shift(max|e|), kE), kE) in front of each A, and at the logits; the maximum over all of e
///     G: g <- rate g / Shift(max|g|);  W <- C(W - sign(g) (floor|g| + [u < |g| - floor|g|]) / S(kG), kG), u drawn
///        evenly in [0, 1), rate a power of two
///     loss: half the sum of the squares of logits minus one-hot labels, or the cross-entropy
///
/// in the order layer, pooling, ReLU, E, A; the weights of all layers are the method's, those of the first, of the
/// last and of shortcuts too, no layer has a bias, and each reads an A: so the image has one (it should be scaled
/// to [-1, 1]: `augmentation.mean` and `std` 0.5), and averages have. The logits have none. A residual network
/// keeps its shortcuts and loses its batch norms like any other: A behind the ReLU of a sum is then all that keeps
/// activations in range.
///
/// Where the paper and the authors' code disagree (`source`), the paper is the default: the code has 3 in the place
/// of 6 under the roots, clips W to C(W, kW) and starts from Q(W, kW), where the paper's W has kG bits throughout
/// ([S] both). Its rounding of g to 16 bits does nothing, as its Q leaves alone what has more than 15.
///
/// The update is plain SGD in steps of 1 / S(kG), whatever optimizer a recipe names: that one moves what else a
/// network learns. The rate is `learning_rate` times the schedule's factor, brought to a power of two; the paper has
/// 8 until epoch 200, 1 until 250, 1/8 until 300.
///
/// Reported test errors: MNIST 0.40 %, SVHN 1.92 %, CIFAR-10 6.78 % (the network `vgg7`); ImageNet AlexNet with 12
/// bits of gradients and errors 53.5 % top-1, 28.5 % top-5.
public struct WAGE: WeightsOnlyMethod {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "wage", title: "WAGE, integers in training too",
        paper: "Wu et al., Training and Inference with Integers, ICLR 2018", widths: "2/8",
        reported: "VGG of 7 layers on CIFAR-10 93.22 %; AlexNet on ImageNet 46.5 %",
        figures: [
            ReportedFigure("vgg7", .cifar10, 93.22),
            ReportedFigure("alexnet", .imageNet, 46.5, note: "12 bits of gradients and errors"),
        ],
        deployment: "not: trained and evaluated only")

    /// Whose numbers are taken.
    public enum Source: String, Sendable, CaseIterable {
        /// The paper's.
        case paper
        /// The authors' code's.
        case code
    }

    /// What is minimized.
    public enum Loss: String, Sendable, CaseIterable {
        /// Half the sum of squares of logits minus one-hot labels.
        case squares
        /// The cross-entropy, for more than 10 classes.
        case crossEntropy
    }

    /// kW.
    public var weightBits: Int
    /// kA.
    public var activationBits: Int
    /// kG.
    public var gradientBits: Int
    /// kE.
    public var errorBits: Int
    /// The rate, in steps of 1 / S(kG).
    public var learningRate: Double
    /// What is minimized.
    public var loss: Loss
    /// Whose numbers are taken.
    public var source: Source

    /// The keys of its settings.
    public static let keys: [Key<WAGE>] = [
        .integer("weight_bits", \.weightBits, in: 2...15, "bits of weights, W"),
        .integer("activation_bits", \.activationBits, in: 2...15, "bits of activations, A"),
        .integer(
            "gradient_bits", \.gradientBits, in: 2...15, "bits of updates and of stored weights, G"),
        .integer("error_bits", \.errorBits, in: 2...15, "bits of errors in backward, E"),
        .number(
            "learning_rate", \.learningRate, in: 1e-6...1e6,
            "of the method's own update, in its smallest steps; a power of two"),
        .choice("loss", \.loss, "squares of logits minus labels, or cross-entropy"),
        .choice("source", \.source, "ranges and first weights of paper or code"),
    ]

    /// 2-8-8-8.
    public init() { self.init(weightBits: 2) }

    /// Creates the method.
    public init(
        weightBits: Int = 2, activationBits: Int = 8, gradientBits: Int = 8, errorBits: Int = 8,
        learningRate: Double = 8, loss: Loss = .squares, source: Source = .paper
    ) {
        self.weightBits = weightBits
        self.activationBits = activationBits
        self.gradientBits = gradientBits
        self.errorBits = errorBits
        self.learningRate = learningRate
        self.loss = loss
        self.source = source
    }

    /// The plan without batch norms and biases, all of whose weights are quantized, with a quantizer behind each ReLU
    /// and in front of each layer; as it is in a stage with real weights.
    public func adapt(_ plan: NetworkPlan) throws(PlanError) -> NetworkPlan {
        guard !plan.quantizedLayers.isEmpty else { return plan.withRealActivations() }
        var adapted = plan.withoutBatchNorms().withQuantizedWeights(biases: false)
        var sources = adapted.layers.filter { $0.layer == .relu }.map(\.name)
        for layer in adapted.quantizedLayers {
            var source = layer.inputs[0]
            while let before = adapted[source], before.layer.keepsValues {
                source = before.inputs[0]
            }
            sources.append(source)
        }
        var seen: Set<Name> = []
        for name in sources where seen.insert(name).inserted && adapted[name]?.layer != .quantize {
            let readers = adapted.readers(of: name)
            guard readers.isEmpty || readers.contains(where: { $0.layer != .quantize }) else {
                continue
            }
            adapted = try adapted.inserting([("\(name).quantized", .quantize)], behind: name)
        }
        return adapted
    }

    /// Draws the roundings of updates.
    public var drawsNumbers: Bool { true }

    /// Even within L.
    public func latent(_ kernel: [Int]) -> LatentParameter {
        LatentParameter(kernel, .uniform(bound: max(limit(kernel), leastLimit)))
    }

    /// Q(C(W, kW), kW) / alpha.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        let kernel = Kernel(
            weights: WAGENumbers(bits: weightBits),
            stored: WAGENumbers(bits: source == .paper ? gradientBits : weightBits),
            shrink: shrink(latent.shape))
        try kernel.start(latent)
        return kernel
    }

    /// E and A.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer {
        Activation(
            values: WAGENumbers(bits: activationBits), errors: WAGENumbers(bits: errorBits))
    }

    /// The squares, or a cross-entropy of its own, through which errors pass quantized; the recipe's in a stage with
    /// real weights.
    public func classification(for network: Network) -> (any Objective)? {
        network.quantizedLayers.isEmpty ? nil : QuantizedErrors(self)
    }

    /// G.
    public func update(for network: Network) throws(TorchError) -> any UpdateRule {
        IntegerUpdate(network, self)
    }

    /// alpha of a layer.
    func shrink(_ shape: [Int]) -> Double {
        max(1, nearestPowerOfTwo(leastLimit / limit(shape)))
    }

    /// Lmin.
    private var leastLimit: Double { 1.5 / WAGENumbers(bits: weightBits).scale }

    /// sqrt(6 / fan-in), or sqrt(3 / fan-in).
    private func limit(_ shape: [Int]) -> Double {
        ((source == .paper ? 6 : 3) / Double(shape.dropFirst().reduce(1, *))).squareRoot()
    }
}

extension LayerPlan {
    /// Whether each value is one that was read.
    fileprivate var keepsValues: Bool {
        switch self {
        case .maxPool, .flatten, .dropout: true
        default: false
        }
    }
}
