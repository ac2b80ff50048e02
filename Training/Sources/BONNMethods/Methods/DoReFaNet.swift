public import BONNConfiguration
import BONNModelFormat
public import BONNNetworks
public import Torch

/// DoReFa-Net (Zhou et al., 2016): weights, activations and gradients of any number of bits (methods.md 2.4).
///
///     quantize_k(r) = round((2^k - 1) r) / (2^k - 1) of r in [0, 1], gradient as it is
///     W, k = 1: sign(W) mean|W|, the mean over the layer, gradient as it is
///     W, k > 1: 2 quantize_k(tanh(W) / (2 max|tanh(W)|) + 1/2) - 1
///     A:        quantize_k(clip(x, 0, 1)); 0 and 1 for k = 1
///     G:        2 m (quantize_k(g / 2m + 1/2 + u / (2^k - 1)) - 1/2), m = max|g| of an image's gradient of the
///               sums of a layer, u uniform in [-1/2, 1/2); backward only
///
/// in the order convolution, batch norm, activation. G acts on the sums of all layers, of the first and the last one
/// too, whose weights are real.
///
/// Reported top-1 of AlexNet on ImageNet by W-A-G: 1-1-32 40.1 % (43.6 % from a real network), 1-2-32 47.7 %
/// (49.8 %), 1-3-32 48.4 %, 1-4-32 50.3 % (53.0 %); ResNet-18 1/4 59.2 %, 1/2 53.4 %, 1/1 52.5 % (others'
/// tables).
///
/// k bits of a kernel are k terms of signs, those of an activation 2^k - 1 planes of 0 and 1: both are exact
/// up to the rounding of sums.
public struct DoReFaNet: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "dorefa", title: "DoReFa-Net, any number of bits",
        paper: "Zhou et al., DoReFa-Net, 2016", widths: "k/k",
        reported:
            "AlexNet on ImageNet 40.1 % (1/1), 47.7 % (1/2), 50.3 % (1/4); ResNet-18 1/4 59.2 % "
            + "(others' table)",
        figures: [
            ReportedFigure("vgg-small", .cifar10, 90.2, .others, note: "1/1"),
            ReportedFigure("resnet18", .imageNet, 52.5, .others, note: "1/1"),
            ReportedFigure("alexnet", .imageNet, 40.1, note: "1/1"),
        ],
        deployment: "in bits, k x (2^k - 1) convolutions; more than 4 bits of activations: not yet")

    /// Bits of weights, 1 to 8.
    public var weightBits: Int
    /// Bits of activations, 1 to 8; 32: real ones, behind a ReLU.
    public var activationBits: Int

    /// Bits of gradients, 1 to 31; 32: as they are.
    public var gradientBits: Int

    /// Activations of more bits would be more planes than a convolution of bytes costs.
    static let mostPlanedBits = 4

    /// The keys of its settings.
    public static let keys: [Key<DoReFaNet>] = [
        .integer("weight_bits", \.weightBits, in: 1...8, "bits of weights"),
        .integer(
            "activation_bits", \.activationBits, in: 1...32,
            "bits of activations; 32: real ones behind a ReLU; only up to 4 and 32 are exported"),
        .integer(
            "gradient_bits", \.gradientBits, in: 1...32,
            "bits of the gradients of sums in training; 32: as they are"),
    ]

    /// 1-bit weights, 2-bit activations.
    public init() { self.init(weightBits: 1) }

    /// Creates the method.
    public init(weightBits: Int = 1, activationBits: Int = 2, gradientBits: Int = 32) {
        self.weightBits = weightBits
        self.activationBits = activationBits
        self.gradientBits = gradientBits
    }

    /// Draws the noise of gradients.
    public var drawsNumbers: Bool { gradientBits < 32 }

    /// Order of the layers.
    public var style: any BlockStyle {
        activationBits == 32
            ? PostActivationBlock() : BiRealBlock(convolutionsPerBlock: 2)
    }

    /// Without quantizers where activations are real.
    public func adapt(_ plan: NetworkPlan) -> NetworkPlan {
        activationBits == 32 ? plan.withRealActivations() : plan
    }

    /// Weights of so many bits.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer { Kernel(bits: weightBits) }

    /// Activations of so many bits.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer {
        activationBits == 32 ? RealActivation() : Activation(bits: activationBits)
    }

    /// The sums, whose gradient has so many bits.
    public func sums(_ sums: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
        guard gradientBits < 32, pass.isTraining else { return sums }
        guard let generator = pass.generator else {
            throw TorchError(.state, "gradients of few bits need a generator")
        }
        let steps = Double(1 << gradientBits - 1)
        return try sums.mappingGradient { (gradient) throws(TorchError) in
            let span =
                try gradient.abs().amax(gradient.dimensions(from: 1)).alongFirstAxis(of: gradient)
                * 2.0
            let noise = try generator.uniform(gradient.shape, low: -0.5, high: 0.5)
            // An image without a gradient keeps none.
            let unit = try gradient / span.clamp(min: 1e-30) + 0.5
            let quantized = try (unit * steps + noise).round() / steps
            return try (quantized - 0.5) * span
        }
    }

    /// The same of the first and the last layer, and of shortcuts.
    public var changesRealSums: Bool { gradientBits < 32 }

    /// quantize_k of values in [0, 1].
    private static func quantize(_ r: Tensor, bits: Int) throws(TorchError) -> Tensor {
        let steps = Double(1 << bits - 1)
        return try straightThrough((r.detached() * steps).round() / steps, gradientOf: r)
    }

    struct Kernel: KernelQuantizer {
        let bits: Int

        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            guard bits > 1 else {
                let scale = try latent.detached().abs().mean()
                return try straightThrough(signOrPlusOne(latent) * scale, gradientOf: latent)
            }
            return try DoReFaNet.quantize(Self.unit(latent), bits: bits) * 2.0 - 1.0
        }

        /// The digits of quantize_k, each as a sign: 2 sum_j d_j 2^j / (2^k - 1) - 1 is the sum of
        /// (2 d_j - 1) 2^j / (2^k - 1).
        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            let still = try latent.detached()
            guard bits > 1 else {
                return .binary([try KernelTerm(signsOf: still, scale: still.abs().mean())])
            }
            let steps = Double(1 << bits - 1)
            let levels = try (Self.unit(still) * steps).round().to(.cpu).floats().map { Int($0) }
            return .binary(
                (0..<bits).map { digit in
                    KernelTerm(
                        signs: levels.map { $0 >> digit & 1 == 1 ? 1 : -1 },
                        scale: [Float(Double(1 << digit) / steps)])
                })
        }

        /// tanh(W) / (2 max|tanh(W)|) + 1/2, the maximum over the layer.
        private static func unit(_ latent: Tensor) throws(TorchError) -> Tensor {
            let squashed = try latent.tanh()
            let largest = try squashed.abs().flatten().amax([0])
            return try squashed / (largest * 2.0) + 0.5
        }
    }

    struct Activation: ActivationQuantizer {
        let bits: Int

        func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            try DoReFaNet.quantize(x.clamp(min: 0, max: 1), bits: bits)
        }

        func deployed() throws(TorchError) -> DeployedActivation {
            guard bits <= DoReFaNet.mostPlanedBits else {
                throw TorchError(
                    .state,
                    "activations of \(bits) bits are \(1 << bits - 1) planes, which the runtime is not "
                        + "given: expected at most \(DoReFaNet.mostPlanedBits) bits")
            }
            let steps = Float(1 << bits - 1)
            return .planes(
                (1..<1 << bits).map { level in
                    let least = Plane.level { x in
                        (min(max(x, 0), 1) * steps).rounded(.toNearestOrEven) >= Float(level)
                    }
                    return Plane(level: [least], levels: .unsignedBits, weight: 1 / steps)
                })
        }
    }
}
