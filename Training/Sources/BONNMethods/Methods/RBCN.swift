public import BONNConfiguration
import BONNModelFormat
public import BONNNetworks
public import Torch

/// Rectified Binary Convolutional Networks (Liu et al., CVPR Workshops 2019), of BONN's group: feature maps of a
/// 1-bit network that discriminators cannot tell from those of a real one (methods.md 3.3).
///
///     F_out = Conv(F_in, C o What), What = sign(W), C learned;
///     L = L_S + L_Adv + lambda_1/2 ||W - C o What||^2;
///     generator: (1 - D(T))^2, discriminator: -log D(R) - log(1 - D(T)),
///     T and R the feature maps of a layer of the 1-bit network and of the real one
///
/// What has the polynomial slope, and so has it in the loss of the kernels: the printed gradients of that loss
/// with respect to What and C are its derivatives; W itself, which the printed ones leave out, has its own here.
/// A discriminator is two linear layers with a LeakyReLU of slope 0.2 between them and a sigmoid behind; they act
/// on the channels of each position. Not printed are those widths, the discriminator's loss in full, what
/// `rectification` chooses and how the parts are weighted: the sum over layers of means.
///
/// C is one number a filter, which the runtime computes in bits, or one a tap of the window, which no filter of
/// bits has. The real network is that of a checkpoint or is trained along, from its own cross-entropy alone. W, C and
/// batch norms move in turn (`Alternation`); for the separate batch norms the authors report up to 2.5 points.
///
/// Reported: ResNet-18 on ImageNet 59.5 % (others' table, [C]); WRN-22 on CIFAR-100 61.64 to 66.27 %, without separate
/// batch norms 59.13 to 65.02 %, and without discriminators either 56.54 to 64.13 %, by the kernel stage.
public struct RBCN: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "rbcn", title: "RBCN, rectified by discriminators",
        paper: "Liu et al., RBCN: Rectified Binary Convolutional Networks, CVPR Workshops 2019",
        widths: "1/1", reported: "ResNet-18 on ImageNet 59.5 %",
        figures: [
            ReportedFigure("resnet18", .imageNet, 59.5, .others)
        ],
        deployment: "in bits with a number a filter; with one a tap: not")

    /// What C is.
    public enum Rectification: String, Sendable, CaseIterable {
        /// One number a filter.
        case filter
        /// One number a tap of the window.
        case tap
    }

    /// What C is.
    public var rectification: Rectification
    /// lambda_1, weight of the loss of the kernels.
    public var lambda: Double
    /// Weight of what the generator adds; 0: no real network, and no discriminators.
    public var adversarial: Double
    /// The share of an epoch's steps, its last ones, in which batch norms and all but W and C move alone; 0: they
    /// move in every step, together with W.
    public var normShare: Double
    /// The checkpoint of the real network; empty: one is trained along.
    public var teacher: String

    /// The keys of its settings.
    public static let keys: [Key<RBCN>] = [
        .choice("rectification", \.rectification, "C: a number a filter, or a tap of the window"),
        .number("lambda", \.lambda, in: 0...1000, "weight of the loss of the kernels"),
        .number(
            "adversarial", \.adversarial, in: 0...1000,
            "weight of (1 - D(T))^2; 0: no discriminators"),
        .number(
            "norm_share", \.normShare, in: 0...0.9,
            "share of an epoch's last steps for batch norms and the like alone; 0: with W in all"),
        .text(
            "teacher", \.teacher,
            "checkpoint of a real network of the same layers; empty: one is trained along"),
    ]

    /// A number a filter.
    public init() { self.init(rectification: .filter) }

    /// Creates the method.
    public init(
        rectification: Rectification = .filter, lambda: Double = 1e-4, adversarial: Double = 1,
        normShare: Double = 0.2, teacher: String = ""
    ) {
        self.rectification = rectification
        self.lambda = lambda
        self.adversarial = adversarial
        self.normShare = normShare
        self.teacher = teacher
    }

    /// Order of the layers: BONN's, which comes after it.
    public var style: any BlockStyle { BONNBlock() }

    /// C o sign(W).
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        let shape: [Int] =
            switch rectification {
            case .filter: [latent.shape[0]]
            case .tap: Array(latent.shape.dropFirst(2))
            }
        let kernel = Kernel(
            matrix: try scope.parameter("matrix", shape, .constant(0), role: .gain),
            rectification: rectification)
        try kernel.fit(latent)
        return kernel
    }

    /// sign, with the polynomial slope.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { SignQuantizer(.polynomial) }

    /// The loss of the kernels, what generator and discriminators add, and the cross-entropy of the real network
    /// where it is trained along.
    public func objectives(for network: Network) throws -> [any Objective] {
        var objectives: [any Objective] = []
        if lambda > 0 {
            objectives.append(
                LayerLoss("rectified_loss", of: network) { layer in
                    guard let kernel = layer.quantizer as? Kernel else { return nil }
                    return { [lambda] () throws(TorchError) in
                        try kernel.loss(layer.latent.tensor) * (lambda / 2)
                    }
                })
        }
        let places = network.quantizedLayers.map { Name($0.name) }
        guard adversarial > 0, !places.isEmpty else { return objectives }
        let real =
            teacher.isEmpty
            ? try ReferenceNetwork(
                trainedAlong: network, network.plan, name: "teacher", keeping: places)
            : try ReferenceNetwork(
                at: teacher, for: network, name: "teacher", key: "method.teacher", keeping: places)
        network.keep(places)
        let discriminators = try Discriminators(network, places)
        // The identity of a checkpoint hangs on the discriminators' loss.
        if real.isTrained { objectives.append(ReferenceLoss(real, name: Self.teacherTerm)) }
        return objectives + [
            GeneratorLoss(discriminators, weight: adversarial),
            DiscriminatorLoss(discriminators, real),
        ]
    }

    /// W, C and the others in turn; all at once in a stage with real weights.
    public func update(for network: Network) -> any UpdateRule {
        network.quantizedLayers.isEmpty
            ? SingleUpdate() : Alternation(network, share: normShare)
    }

    /// What the cross-entropy of the real network is called.
    static let teacherTerm = "teacher_loss"

    struct Kernel: KernelQuantizer {
        /// C, `[K]` or `[kh, kw]`.
        let matrix: Parameter
        let rectification: Rectification

        var parameters: [Parameter] { [matrix] }

        /// C = mean|W| of what each number of it is for, the least squares solution.
        func fit(_ latent: Tensor) throws(TorchError) {
            try withoutGradient { () throws(TorchError) in
                let magnitudes = try latent.detached().abs()
                let means =
                    rectification == .filter
                    ? try magnitudes.filterMeans() : try magnitudes.mean([0, 1])
                try matrix.tensor.copy_(from: means)
            }
        }

        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            try straightThrough(
                signOrPlusOne(latent), gradientOf: Slope.polynomial.surrogate(latent))
                * (rectification == .filter
                    ? matrix.tensor.alongFirstAxis(of: latent) : matrix.tensor)
        }

        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            guard rectification == .filter else {
                return .real(
                    try self(latent.detached(), Pass(.evaluation)).detached().to(.cpu).floats())
            }
            return .binary([try KernelTerm(signsOf: latent, scale: matrix.tensor)])
        }

        /// ||W - C o What||^2.
        func loss(_ latent: Tensor) throws(TorchError) -> Tensor {
            try (latent - self(latent, Pass(.training))).square().sum()
        }
    }
}
