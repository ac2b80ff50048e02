public import BONNConfiguration
import BONNModelFormat
public import BONNNetworks
public import Torch

/// Towards Effective Low-bitwidth Convolutional Neural Networks (Zhuang et al., CVPR 2018): 2 to 4 bits of weights and
/// activations, by three ways of training that go together (methods.md 2.9).
///
///     quantizers: DoReFa-Net's (`DoReFaNet`), W with the final 2q - 1, which this paper's formula lacks
///     two-stage:  few bits of weights with real activations first, then few bits of both
///     progressive: from high to low precision, each from the weights of the one before: 32, 16, 8, 4, 2 bits
///     guided:     L = CE(low) + CE(full) + lambda R,  R = 1/2 ||phi(mu_full) - phi(mu_low)||^2
///
/// The first two are stages of a recipe that set `weight_bits` and `activation_bits`; 32 bits are real weights, and
/// real activations behind a ReLU. The guide is a real network of the same plan with ReLUs in the place of
/// quantizers; it is trained along, the gradient of R flows into both networks ([M]), and it goes on from stage
/// to stage. mu are the quantized activations at the beginning and at the end of the layers with the smallest
/// images, as a public re-implementation has it ([C]). phi are 1x1 convolutions of both networks, one each
/// ([M]), or what that code has in their place: the quantizer of the low network, for which R is the same with
/// fewer ways to be small. The norm is a mean over elements here, so that lambda does not depend on the sizes of
/// layers; 0.1 as that code, which takes mean|q(a_low) - q(a_full)|. First and last layers are real ([M]).
///
/// Reported: no loss against the real network with 4 bits (AlexNet, ResNet-50 on ImageNet); 2 bits: AlexNet
/// 51.6 %, ResNet-50 70.0 % ([M]).
public struct Zhuang: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "zhuang", title: "Low bit widths step by step, beside a real network",
        paper:
            "Zhuang et al., Towards Effective Low-bitwidth Convolutional Neural Networks, CVPR 2018",
        widths: "k/k",
        reported:
            "4 bits as the real network (AlexNet, ResNet-50 on ImageNet); 2 bits ResNet-50 70.0 %",
        figures: [
            ReportedFigure("alexnet", .imageNet, 51.6, .memory, note: "2/2")
        ],
        deployment: "in bits, k x (2^k - 1) convolutions; more than 4 bits of activations: not yet")

    /// What features of both networks pass before they are compared.
    public enum Adaptor: String, Sendable, CaseIterable {
        /// A 1x1 convolution of each.
        case learned
        /// The activation quantizer.
        case quantizer
    }

    /// Bits of weights; 32: real.
    public var weightBits: Int
    /// Bits of activations; 32: real, behind a ReLU.
    public var activationBits: Int
    /// lambda, weight of the hint loss; 0: no guide.
    public var guidance: Double
    /// phi.
    public var adaptor: Adaptor

    /// The keys of its settings.
    public static let keys: [Key<Zhuang>] = [
        .integer("weight_bits", \.weightBits, in: 2...32, "bits of weights; more than 16: real"),
        .integer(
            "activation_bits", \.activationBits, in: 1...32,
            "bits of activations; more than 16: real ones behind a ReLU; up to 4 and these are "
                + "exported"),
        .number("guidance", \.guidance, in: 0...1000, "weight of the hint loss; 0: no guide"),
        .choice("adaptor", \.adaptor, "what features pass before they are compared"),
    ]

    /// 2 bits.
    public init() { self.init(weightBits: 2) }

    /// Creates the method.
    public init(
        weightBits: Int = 2, activationBits: Int = 2, guidance: Double = 0.1,
        adaptor: Adaptor = .learned
    ) {
        self.weightBits = weightBits
        self.activationBits = activationBits
        self.guidance = guidance
        self.adaptor = adaptor
    }

    /// The most bits of which float32 tells one level from the next.
    private static let mostBits = 16

    private var hasRealActivations: Bool { activationBits > Self.mostBits }

    /// Order of the layers: DoReFa-Net's, whatever the number of bits: stages have the same layers.
    public var style: any BlockStyle { BiRealBlock(convolutionsPerBlock: 2) }

    /// With ReLUs in the place of quantizers where activations are real.
    public func adapt(_ plan: NetworkPlan) -> NetworkPlan {
        hasRealActivations ? plan.withActivations(.relu) : plan
    }

    /// DoReFa-Net's, or real weights.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        weightBits > Self.mostBits ? RealKernel() : DoReFaNet.Kernel(bits: weightBits)
    }

    /// DoReFa-Net's.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { DoReFaNet.Activation(bits: activationBits) }

    /// The cross-entropy of the guide, and the hint loss.
    public func objectives(for network: Network) throws -> [any Objective] {
        let places = Self.hintedValues(of: network.plan)
        guard guidance > 0, !places.isEmpty else { return [] }
        let guide = try ReferenceNetwork(
            trainedAlong: network, network.plan.withActivations(.relu), name: "guide",
            keeping: places)
        network.keep(places)
        return [
            ReferenceLoss(guide, name: "guide_loss"), try HintLoss(guide, self, network, places),
        ]
    }

    /// What the first and the last layer read that are behind quantizers (or the ReLUs in their place) and give
    /// the smallest images; one name where that is the same.
    static func hintedValues(of plan: NetworkPlan) -> [Name] {
        let layers = plan.quantizedLayers
        guard let last = layers.last(where: { $0.shape.height * $0.shape.width > 1 }) ?? layers.last
        else { return [] }
        let first = layers.first {
            $0.shape.height == last.shape.height && $0.shape.width == last.shape.width
        }
        let values = [first?.inputs[0] ?? last.inputs[0], last.inputs[0]]
        return values[0] == values[1] ? [values[0]] : values
    }

    /// Weights as they are.
    struct RealKernel: KernelQuantizer {
        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor { latent }

        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            .real(try latent.detached().to(.cpu).floats())
        }
    }

    /// lambda / 2 mean (phi(mu_full) - phi(mu_low))^2, the sum over the places.
    final class HintLoss: Objective {
        let name = "hint_loss"
        private let guide: ReferenceNetwork
        private let method: Zhuang
        private let places: [Name]
        /// Of the guide and of the low network, place by place; none for the quantizer.
        private let adaptors: [(full: Parameter, low: Parameter)]

        init(
            _ guide: ReferenceNetwork, _ method: Zhuang, _ network: Network, _ places: [Name]
        ) throws(TorchError) {
            self.guide = guide
            self.method = method
            self.places = places
            let store = ParameterStore(seed: network.store.seed, device: network.store.device)
            var adaptors: [(full: Parameter, low: Parameter)] = []
            for place in places where method.adaptor == .learned {
                let channels = network.plan.shape(of: place)?.channels ?? 0
                let shape = [channels, channels, 1, 1]
                func adaptor(_ side: String) throws(TorchError) -> Parameter {
                    try (store.root / "hint_loss" / place.text).parameter(
                        side, shape, .kaiming(shape), role: .weight)
                }
                adaptors.append((try adaptor("full"), try adaptor("low")))
            }
            self.adaptors = adaptors
        }

        var parameters: [Parameter] { adaptors.flatMap { [$0.full, $0.low] } }
        var carried: [Parameter] { parameters }

        func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
            let output = try guide(pass)
            var terms: [Tensor] = []
            for (index, place) in places.enumerated() {
                let adaptor = adaptors.isEmpty ? nil : adaptors[index]
                let difference =
                    try phi(output.kept(place), adaptor?.full)
                    - phi(pass.output.kept(place), adaptor?.low)
                terms.append(try difference.square().mean())
            }
            return try Tensor.stack(terms).sum() * (method.guidance / 2)
        }

        private func phi(_ x: Tensor, _ adaptor: Parameter?) throws(TorchError) -> Tensor {
            guard let adaptor else {
                guard !method.hasRealActivations else { return x }
                return try DoReFaNet.Activation(bits: method.activationBits)(x, Pass(.training))
            }
            let images = try x.reshape(x.shape + [Int](repeating: 1, count: 4 - x.shape.count))
            return try images.convolution(
                adaptor.tensor, bias: nil, Window(1), groups: 1, padding: 0)
        }
    }
}
