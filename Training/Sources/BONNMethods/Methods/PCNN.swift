public import BONNConfiguration
import BONNModelFormat
public import BONNNetworks
public import Torch

/// Projection CNN (Gu et al., AAAI 2019), from which BONN comes: weights that are projected on {-a, a} by
/// learned matrices (methods.md 2.13).
///
///     a = mean|C| of the layer; Chat_ij = a sign(mean(W_j) C_i), j = 1 ... J; D_i = the J copies;
///     dL/dC_i = sum_j dL/dChat_ij 1{-1 <= W_j o C_i <= 1} o W_j,
///     dL/dW_j = the sum of dL/dChat_ij 1{...} o C_i over filters and channels;
///     L_p = lambda / 2 sum ||Chat_ij - W_j o C_i||^2
///
/// W_j is a window [kh, kw] for all channels; its mean acts forward, itself backward. A layer of K outputs has
/// K / J latent filters, each of which gives J that stand side by side.
///
/// In L_p of the book C stands as C + eta delta, delta_ij = dL_S/dChat_ij. No eta is printed: `eta` is 0 unless it is
/// set. delta is known behind the backward pass, so what eta adds to the gradients of C and W is added there, and
/// the loss in the tables is the one without it.
///
/// The paper trains a ternary network first and starts the binary one from it: `levels` in the stages of a recipe.
/// Ternary weights are {-a, 0, a}, 0 where |mean(W_j) C| <= sigma mean|C|; sigma is not printed, 0.7 is that of
/// ternary weight networks ([M]). How W starts is not printed either: 1 for J = 1, else around 1.
///
/// Reported: ResNet-18 on ImageNet (J = 1) 57.3 %; CIFAR-10 PCNN-22 92.79 % and PCNN-40 93.78 % for
/// lambda = 1e-4 (91.52 % and 92.84 % for 0).
public struct PCNN: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "pcnn", title: "PCNN, learned projections",
        paper:
            "Gu et al., Projection Convolutional Neural Networks for 1-bit CNNs via Discrete Back "
            + "Propagation, AAAI 2019",
        widths: "1/1",
        reported: "ResNet-18 on ImageNet 57.3 %, PCNN-22 on CIFAR-10 92.79 %",
        figures: [
            ReportedFigure("PCNN-22", .cifar10, 92.79, note: "widths not printed"),
            ReportedFigure("resnet18", .imageNet, 57.3, note: "1 projection"),
        ],
        deployment: "in bits")

    /// J, projections of a latent filter.
    public var projections: Int
    /// Weight of the projection loss.
    public var lambda: Double
    /// How far C moves along delta in the projection loss.
    public var eta = 0.0
    /// The values of weights.
    public var levels = Levels.binary
    /// sigma: ternary weights of at most so many mean|C| are 0.
    public var threshold = 0.7

    /// The set that weights are projected on.
    public enum Levels: String, Sendable, CaseIterable {
        /// {-a, a}.
        case binary
        /// {-a, 0, a}.
        case ternary
    }

    /// The keys of its settings.
    public static let keys: [Key<PCNN>] = [
        .integer("projections", \.projections, in: 1...16, "projections of a latent filter, J"),
        .number("lambda", \.lambda, in: 0...1000, "weight of the projection loss"),
        .number("eta", \.eta, in: 0...1e6, "of the gradient that is added to C in that loss"),
        .choice("levels", \.levels, "values of weights; ternary: the first of two stages"),
        .number("threshold", \.threshold, in: 0...10, "of ternary weights, in mean|C|"),
    ]

    /// One projection.
    public init() { self.init(projections: 1) }

    /// Creates the method.
    public init(projections: Int = 1, lambda: Double = 1e-4) {
        self.projections = projections
        self.lambda = lambda
    }

    /// Order of the layers: BONN's, which comes after it.
    public var style: any BlockStyle { BONNBlock() }

    /// The plan, whose quantized layers have a multiple of J outputs.
    public func adapt(_ plan: NetworkPlan) throws(PlanError) -> NetworkPlan {
        try plan.requireOutputs(divisibleBy: projections, "method.projections")
        return plan
    }

    /// A filter for J outputs.
    public func latent(_ kernel: [Int]) -> LatentParameter {
        LatentParameter([kernel[0] / projections] + kernel.dropFirst())
    }

    /// Projected weights.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        let window = latent.shape.count == 4 ? Array(latent.shape.suffix(2)) : [1, 1]
        return Kernel(
            projections: try scope.parameter(
                "projections", [projections] + window,
                projections == 1 ? .constant(1) : .between(0.5, 1.5), role: .projection),
            threshold: levels == .ternary ? threshold : nil,
            gradient: eta > 0 && lambda > 0 ? RememberedGradient() : nil)
    }

    /// sign, with the slope of hardtanh.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { SignQuantizer(.clip) }

    /// The projection loss.
    public func objectives(for network: Network) -> [any Objective] {
        guard lambda > 0 else { return [] }
        return [
            LayerLoss("projection_loss", of: network) { layer in
                guard let kernel = layer.quantizer as? Kernel else { return nil }
                return { [lambda] () throws(TorchError) in
                    try kernel.loss(layer.latent.tensor) * (lambda / 2)
                }
            }
        ]
    }

    /// What eta adds to the projection loss.
    public func rules(for network: Network) -> [any TrainingRule] {
        guard eta > 0, lambda > 0 else { return [] }
        return [
            GradientTerms(of: network) { layer in
                guard let kernel = layer.quantizer as? Kernel else { return nil }
                return { [lambda, eta] () throws(TorchError) in
                    try kernel.addGradients(layer.latent, lambda: lambda, eta: eta)
                }
            }
        ]
    }

    struct Kernel: KernelQuantizer {
        /// W, `[J, kh, kw]`.
        let projections: Parameter
        /// sigma of ternary weights; nil: binary ones.
        var threshold: Double?
        /// delta, where eta is above 0.
        var gradient: RememberedGradient?

        var parameters: [Parameter] { [projections] }

        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            let (value, product) = try parts(latent)
            let copies = try straightThrough(value, gradientOf: product.clamp(min: -1, max: 1))
            guard pass.isTraining, let gradient else { return try copies.copies(of: latent) }
            return try gradient(copies).copies(of: latent)
        }

        /// The derivatives of lambda / 2 sum ||Chat - W o (C + eta delta)||^2 less those for eta = 0: with
        /// d = eta delta, lambda sum_j (W o d) o W for C and lambda sum [(W o C - Chat) o d + (W o d) o (C + d)]
        /// for W.
        func addGradients(
            _ latent: Parameter, lambda: Double, eta: Double
        ) throws(TorchError) {
            guard let delta = gradient?.take() else { return }
            let filters = try latent.tensor.asWindows()
            let (value, product) = try parts(latent.tensor)
            let moved = try delta * eta
            let w = try projections.tensor.unsqueeze(0).unsqueeze(2)
            let further = try moved * w
            try latent.addGradient(
                (further * w).sum([1]).reshape(latent.tensor.shape) * lambda)
            try projections.addGradient(
                ((product - value) * moved + further * (filters + moved)).sum([0, 2]) * lambda)
        }

        /// sum ||Chat - W o C||^2.
        func loss(_ latent: Tensor) throws(TorchError) -> Tensor {
            let (value, product) = try parts(latent)
            return try (value - product).square().sum()
        }

        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            let value = try parts(latent.detached()).value.copies(of: latent)
            let magnitude = try latent.detached().abs().mean()
            guard threshold != nil else {
                return .binary([try KernelTerm(signsOf: value, scale: magnitude)])
            }
            // Two terms of a / 2, which differ where the weight is 0.
            let half = try magnitude / 2.0
            return .binary([
                try KernelTerm(signsOf: value, scale: half),
                try KernelTerm(signsOf: value - half, scale: half),
            ])
        }

        /// Chat, and W o C of which it is the projection: [K / J, J, C, kh, kw].
        private func parts(
            _ latent: Tensor
        ) throws(TorchError) -> (value: Tensor, product: Tensor) {
            let filters = try latent.asWindows()
            let w = try projections.tensor.unsqueeze(0).unsqueeze(2)
            let still = try latent.detached()
            let scaled = try filters.detached() * w.detached().mean([3, 4], keep: true)
            let magnitude = try still.abs().mean()
            var value = try signOrPlusOne(scaled) * magnitude
            if let threshold {
                value = try value * scaled.abs().gt(magnitude * threshold).to(.float32)
            }
            return (value, try filters * w)
        }
    }
}

extension ParameterRole {
    /// What latent weights are projected by.
    static let projection = ParameterRole("projection", decay: .never, isDeployed: false)
}

extension Tensor {
    /// Latent weights [I, C, kh, kw] or [I, C] as [I, 1, C, kh, kw], for J copies of each filter.
    func asWindows() throws(TorchError) -> Tensor {
        try reshape(
            [shape[0], 1, shape[1]] + (shape.count == 4 ? Array(shape.suffix(2)) : [1, 1]))
    }

    /// Copies [I, J, C, kh, kw] of filters as the kernel of I J outputs that latent weights stand for.
    func copies(of latent: Tensor) throws(TorchError) -> Tensor {
        try reshape([shape[0] * shape[1]] + latent.shape.dropFirst())
    }
}

extension NetworkPlan {
    /// Insists on quantized layers whose outputs come in groups.
    ///
    /// - Throws: `PlanError` that names the first layer that has others, and the key.
    func requireOutputs(divisibleBy group: Int, _ key: String) throws(PlanError) {
        for layer in quantizedLayers where layer.shape.channels % group != 0 {
            throw PlanError(
                "\(layer.name): expected a multiple of \(key) = \(group) outputs, found "
                    + "\(layer.shape.channels); choose other widths or another number")
        }
    }
}
