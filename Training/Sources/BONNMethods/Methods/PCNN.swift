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
/// K / J latent filters, each of which gives J that stand side by side. L_p is the one of the book without
/// eta delta, a gradient that it adds to C: no eta is printed. The paper trains a ternary network first and
/// starts from it; that stage is not here. How W starts is not printed either: 1 for J = 1, else around 1.
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

    /// The keys of its settings.
    public static let keys: [Key<PCNN>] = [
        .integer("projections", \.projections, in: 1...16, "projections of a latent filter, J"),
        .number("lambda", \.lambda, in: 0...1000, "weight of the projection loss"),
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
    public func latentShape(_ kernel: [Int]) -> [Int] {
        [kernel[0] / projections] + kernel.dropFirst()
    }

    /// Projected weights.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        let window = latent.shape.count == 4 ? Array(latent.shape.suffix(2)) : [1, 1]
        return Kernel(
            projections: try scope.parameter(
                "projections", [projections] + window,
                projections == 1 ? .constant(1) : .between(0.5, 1.5), role: .projection))
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

    struct Kernel: KernelQuantizer {
        /// W, `[J, kh, kw]`.
        let projections: Parameter

        var parameters: [Parameter] { [projections] }

        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            let (value, product) = try parts(latent)
            return try straightThrough(value, gradientOf: product.clamp(min: -1, max: 1))
                .copies(of: latent)
        }

        /// sum ||Chat - W o C||^2.
        func loss(_ latent: Tensor) throws(TorchError) -> Tensor {
            let (value, product) = try parts(latent)
            return try (value - product).square().sum()
        }

        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            let value = try parts(latent.detached()).value
            return .binary([
                try KernelTerm(
                    signsOf: value.copies(of: latent), scale: latent.detached().abs().mean())
            ])
        }

        /// Chat, and W o C of which it is the projection: [K / J, J, C, kh, kw].
        private func parts(
            _ latent: Tensor
        ) throws(TorchError) -> (value: Tensor, product: Tensor) {
            let filters = try latent.asWindows()
            let w = try projections.tensor.unsqueeze(0).unsqueeze(2)
            let still = try latent.detached()
            let signs = try signOrPlusOne(filters * w.detached().mean([3, 4], keep: true))
            return (try signs * still.abs().mean(), try filters * w)
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
