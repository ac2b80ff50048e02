public import BONNConfiguration
import BONNModelFormat
public import BONNNetworks
public import Torch

/// Tang, Hua and Wang (AAAI 2017), How to Train a Compact Binary Neural Network with High Accuracy?: signs of
/// weights without a scale, PReLU, activations as sums of signs of residuals (methods.md 2.5).
///
///     Wb = sign(W);  E_1 = a, H_i = sign(E_i), alpha_i = mean|E_i|, E_(i+1) = E_i - alpha_i H_i;
///     a ~ sum_i alpha_i H_i, alpha_i one number for the activations of a layer
///
/// in the order quantizer, convolution, PReLU, batch norm, each inside of a shortcut in residual networks, which
/// the paper has none of: the batch norm in front of a sum keeps its range. That both signs have the slope of
/// hardtanh, and that weights stay in [-1, 1], is [M]; each H_i has the gradient of its own residual, of which
/// alpha_i and what was subtracted are constant. Outside of training alpha_i is a running average, as nothing is
/// said of it.
///
/// The paper asks for a low learning rate, 1e-4, and pulls weights to +-1 with lambda sum (1 - W^2),
/// lambda = 5e-7 ([M]): `bipolar`.
///
/// The last layer may be binary too, with a learned scale a class behind it, which starts at 0.001 ([M]):
/// `binary_last_layer`. What it reads is quantized as everything else, and it has no bias ([D]).
///
/// Reported, with two binarizations and a binary last layer: ImageNet AlexNet 46.6 %, NIN 51.4 %.
public struct TangNet: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "tang", title: "Tang's compact networks, residual binarization",
        paper:
            "Tang, Hua and Wang, How to Train a Compact Binary Neural Network with High Accuracy?, "
            + "AAAI 2017",
        widths: "1/m", reported: "AlexNet on ImageNet 46.6 %, NIN 51.4 % (1/2)",
        figures: [
            ReportedFigure("alexnet", .imageNet, 46.6, note: "1/2"),
            ReportedFigure("nin", .imageNet, 51.4, note: "1/2"),
        ],
        deployment: "in bits, 2^m - 1 planes")

    /// m.
    public var binarizations: Int
    /// lambda, the weight of the regularizer that pulls weights to +-1.
    public var bipolar: Double
    /// Whether the last layer is binary.
    public var binaryLastLayer = false

    /// What the scale behind a binary last layer starts at.
    private static let scale = 0.001

    /// The share of a batch in the running scales.
    private static let momentum = 0.1

    /// The keys of its settings.
    public static let keys: [Key<TangNet>] = [
        .integer("binarizations", \.binarizations, in: 1...4, "signs of an activation, m"),
        .number("bipolar", \.bipolar, in: 0...1, "weight of the regularizer sum (1 - W^2)"),
        .flag("binary_last_layer", \.binaryLastLayer, "the last layer too, behind it a scale"),
    ]

    /// Two binarizations.
    public init() { self.init(binarizations: 2) }

    /// Creates the method.
    public init(binarizations: Int = 2, bipolar: Double = 5e-7) {
        self.binarizations = binarizations
        self.bipolar = bipolar
    }

    /// Order of the layers.
    public var style: any BlockStyle { Block() }

    /// The plan, where it is asked for with a binary last layer and a scale behind it.
    public func adapt(_ plan: NetworkPlan) throws(PlanError) -> NetworkPlan {
        guard binaryLastLayer, case .linear(let linear) = plan[plan.output]?.layer,
            linear.weights == .real
        else { return plan }
        var builder = PlanBuilder(input: plan.input)
        var output = plan.output
        for layer in plan.layers {
            guard layer.name == plan.output else {
                try builder.add(layer.layer, layer.name, inputs: layer.inputs)
                continue
            }
            let bits = try builder.add(.quantize, "\(layer.name).sign", layer.inputs[0])
            let binary = LinearPlan(
                outputs: linear.outputs, hasBias: false, weights: .quantized)
            let sums = try builder.add(.linear(binary), layer.name, bits)
            output = try builder.add(.scale, "\(layer.name).scale", sums)
        }
        return try builder.plan(features: plan.features, output: output)
    }

    /// A small scale behind a binary last layer, whose sums are large.
    public func prepare(_ network: Network) throws(TorchError) {
        guard binaryLastLayer, network.plan[network.plan.output]?.layer == .scale,
            let scale = network.store["\(network.plan.output).weight"]
        else { return }
        try withoutGradient { () throws(TorchError) in try scale.tensor.fill_(Self.scale) }
    }

    /// sign(W), W in [-1, 1].
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer { BoundedSigns(bound: 1) }

    /// A sum of signs of residuals.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer {
        Activation(
            scales: try scope.parameter("scales", [binarizations], .constant(1), role: .buffer))
    }

    /// lambda sum (1 - W^2).
    public func objectives(for network: Network) -> [any Objective] {
        guard bipolar > 0 else { return [] }
        return [
            LayerLoss("bipolar_regularizer", of: network) { layer in
                { [bipolar] () throws(TorchError) in
                    try Self.regularizer(layer.latent.tensor) * bipolar
                }
            }
        ]
    }

    static func regularizer(_ latent: Tensor) throws(TorchError) -> Tensor {
        try (1.0 - latent.square()).sum()
    }

    /// Quantizer, layer, pooling, PReLU and batch norm.
    struct Block: BlockStyle {
        let convolutionsPerBlock = 1

        func stem(
            _ plan: inout PlanBuilder, _ x: Name, _ name: Name
        ) throws(PlanError) -> Name {
            let y = try plan.add(.prelu, "\(name).prelu", x)
            return try plan.add(.batchNorm, "\(name).norm", y)
        }

        func unit(
            _ plan: inout PlanBuilder, _ x: Name, _ name: Name, _ layer: LayerPlan, pool: Pool?
        ) throws(PlanError) -> Name {
            let bits = try plan.add(.quantize, "\(name).sign", x)
            return try stem(
                &plan, try plan.quantized(bits, name, layer, pool: pool), name)
        }
    }

    struct Activation: ActivationQuantizer {
        /// alpha outside of training, `[m]`.
        let scales: Parameter
        private let sign = SignQuantizer(.clip)

        init(scales: Parameter) { self.scales = scales }

        func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            var residual = x
            var total: Tensor?
            var found: [Tensor] = []
            for index in 0..<scales.tensor.shape[0] {
                let alpha =
                    pass.isTraining
                    ? try residual.detached().abs().mean()
                    : try scales.tensor.select(dim: 0, index: index)
                let term = try sign(residual, pass) * alpha
                residual = try residual - term.detached()
                total = if let sum = total { try sum + term } else { term }
                found.append(alpha)
            }
            if pass.isTraining {
                let now = try Tensor.stack(found)
                try withoutGradient { () throws(TorchError) in
                    try scales.tensor.lerp_(now, weight: TangNet.momentum)
                }
            }
            guard let total else { preconditionFailure("an activation has a sign at least") }
            return total
        }

        /// The sum is a function of steps, which are where some residual is 0: a plane a step, of half its
        /// height, since the function is odd but for the steps themselves.
        func deployed() throws(TorchError) -> DeployedActivation {
            let scales = try scales.tensor.to(.cpu).floats()
            func value(_ x: Float) -> Float {
                var (residual, total) = (x, Float(0))
                for scale in scales {
                    let term = residual >= 0 ? scale : -scale
                    residual -= term
                    total += term
                }
                return total
            }
            var places: Set<Float> = [0]
            for scale in scales.dropLast() {
                places.formUnion(places.flatMap { [$0 - scale, $0 + scale] })
            }
            let steps = places.sorted()
            var planes: [Plane] = []
            for (index, step) in steps.enumerated() {
                let below = index == 0 ? step - 1 : (steps[index - 1] + step) / 2
                let above = index == steps.count - 1 ? step + 1 : (steps[index + 1] + step) / 2
                let high = value(above)
                let height = high - value(below)
                guard height != 0 else { continue }
                // Roundings inside of the residuals may move a step by a float or two.
                let level = Plane.level { $0 >= above || $0 > below && value($0) == high }
                planes.append(Plane(level: [level], weight: height / 2))
            }
            return .planes(planes)
        }
    }
}
