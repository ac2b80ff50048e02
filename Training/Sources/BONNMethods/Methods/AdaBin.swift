public import BONNConfiguration
public import BONNNetworks
public import Torch

/// AdaBin (Tu et al., ECCV 2022): the two values of weights and of activations need not be opposite
/// (methods.md 3.3).
///
///     weights:     a sign((W - b) / a) + b, b the mean and a the root of the mean square deviation of each
///                  filter, the sign with the gradient of `SignSlope.errorDecay`;
///     activations: alpha (sign((x - beta) / alpha) + beta), one learned alpha and one beta a layer, the sign
///                  with the polynomial slope
///
/// in the order quantizer, convolution, batch norm, + shortcut, Maxout, and batch norm, Maxout, linear, batch
/// norm behind the mean. All of a, b, alpha and beta have their derivatives. The form of the activation is that
/// of both official codes; the paper has alpha sign(.) + beta ([M]).
///
/// Maxout, two learned slopes a channel, is a scale and a PReLU here: slopes scale and scale times the PReLU's,
/// 1 and 0.25 at the start.
///
/// Reported: CIFAR-10 ResNet-18 93.1 %, ResNet-20 88.1 %, VGG-small 92.3 %; ImageNet ResNet-18 63.1 %,
/// ResNet-34 66.4 %, AlexNet 53.9 %.
public struct AdaBin: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "adabin", title: "AdaBin, two values that adapt",
        paper: "Tu et al., AdaBin: Improving BNNs with Adaptive Binary Sets, ECCV 2022",
        widths: "1/1",
        reported: "ResNet-20 on CIFAR-10 88.1 %, ResNet-18 on ImageNet 63.1 %",
        figures: [
            ReportedFigure("resnet20", .cifar10, 88.1),
            ReportedFigure("vgg-small", .cifar10, 92.3),
            ReportedFigure("resnet18", .imageNet, 63.1),
            ReportedFigure("resnet34", .imageNet, 66.4),
            ReportedFigure("alexnet", .imageNet, 53.9),
        ],
        deployment: "in bits, 2 x 2 convolutions of which all but one have a constant operand")

    /// t of the estimator at the start.
    public var initialSharpness: Double

    /// Whether the last layer stands between batch norms, with Maxout behind the first, as in the authors' code
    /// for CIFAR.
    public var normalizesEnds: Bool

    /// The keys of its settings.
    public static let keys: [Key<AdaBin>] = [
        .number(
            "initial_sharpness", \.initialSharpness, in: 1e-6...10,
            "t of the sign's gradient at the start, 10 at the end"),
        .flag(
            "normalized_ends", \.normalizesEnds,
            "the last layer stands between batch norms, with Maxout behind the first"),
    ]

    /// The settings of the authors' code.
    public init() { self.init(initialSharpness: 1e-3) }

    /// Creates the method.
    public init(initialSharpness: Double = 1e-3, normalizesEnds: Bool = true) {
        self.initialSharpness = initialSharpness
        self.normalizesEnds = normalizesEnds
    }

    private static let maxout: BiRealBlock.Activation = [
        ("maxout.gain", .scale), ("maxout.prelu", .prelu),
    ]

    /// Order of the layers.
    public var style: any BlockStyle { BiRealBlock(activation: Self.maxout) }

    /// Batch norm and Maxout in front of the last layer, batch norm behind it.
    public func adapt(_ plan: NetworkPlan) throws(PlanError) -> NetworkPlan {
        guard normalizesEnds else { return plan }
        let name = plan.features
        let added: BiRealBlock.Activation = [("norm", .batchNorm)] + Self.maxout
        return try plan.inserting(added.map { ("\(name).\($0.name)", $0.layer) }, behind: name)
            .inserting([("\(plan.output).norm", .batchNorm)], behind: plan.output)
    }

    /// Two values a filter.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        Kernel(slope: .errorDecay(from: initialSharpness))
    }

    /// Two learned values a layer.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer {
        Activation(
            distance: try scope.parameter("distance", [1], .constant(1), role: .plane),
            center: try scope.parameter("center", [1], .constant(0), role: .shift))
    }

    struct Kernel: KernelQuantizer {
        let slope: SignSlope

        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            let (scaled, distance, center) = try Self.parts(latent)
            return try slope.sign(scaled, pass) * distance + center
        }

        /// a times the signs, and b times a kernel of ones.
        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            let (scaled, distance, center) = try Self.parts(latent.detached())
            return .binary([
                try KernelTerm(signsOf: scaled, scale: distance),
                KernelTerm(
                    signs: [Float](repeating: 1, count: latent.count),
                    scale: try center.flatten().to(.cpu).floats()),
            ])
        }

        /// (W - b) / a, a and b.
        private static func parts(
            _ latent: Tensor
        ) throws(TorchError) -> (scaled: Tensor, distance: Tensor, center: Tensor) {
            let center = try latent.filterMeans().alongFirstAxis(of: latent)
            let moved = try latent - center
            let distance = try moved.square().filterMeans().sqrt()
                .alongFirstAxis(of: latent)
            return (try moved / distance, distance, center)
        }
    }

    struct Activation: ActivationQuantizer {
        let distance: Parameter
        let center: Parameter

        func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            let scaled = try (x - center.tensor) / distance.tensor
            let sign = try SignQuantizer(.polynomial)(scaled, pass)
            return try (sign + center.tensor) * distance.tensor
        }

        /// A plane of the signs and one that is high everywhere. Behind a negative alpha the higher value
        /// stands strictly above beta.
        func deployed() throws(TorchError) -> DeployedActivation {
            let alpha = try distance.tensor.detached().to(.cpu).floats()[0]
            let beta = try center.tensor.detached().to(.cpu).floats()[0]
            return .planes([
                Plane(level: [alpha > 0 ? beta : beta.nextUp], weight: abs(alpha)),
                Plane(level: [-.infinity], weight: alpha * beta),
            ])
        }
    }
}
