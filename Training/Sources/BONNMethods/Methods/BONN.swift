public import BONNConfiguration
public import BONNNetworks
public import Torch

/// The readings of the scale w, on which the paper's equations and its algorithm differ.
public enum ScaleReading: String, Sendable, CaseIterable {
    /// Xhat = wbar sign(X): Algorithm 1, and what the released weights show. The default.
    case multiply = "A"
    /// Xhat = sign(X), output divided by wbar: equation 1 taken literally (w is about 1 / mean|X|).
    case divide = "B"
    /// As A, with the quantisation term |wbar sign(X) - X|^2: the intent of the prose.
    case reconstruct = "C"
}

/// The gradient that reaches the scale vector w.
public enum ScaleGradient: String, Sendable, CaseIterable {
    /// Equation 15 as printed: the derivative of clip(w o X).
    case printed
    /// The derivative of the forward pass with respect to w.
    case exact = "true"
}

/// BONN (Gu et al., Bayesian Optimized 1-Bit CNNs, ICCV 2019): one learned scale a layer, latent weights
/// that follow a mixture of two modes (`BayesianKernelLoss`), features around the centers of their classes
/// (`BayesianFeatureLoss`).
public struct BONN: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "bonn", title: "BONN, 1-bit weights and activations",
        paper: "Gu et al., Bayesian Optimized 1-Bit CNNs, ICCV 2019", widths: "1/1",
        reported: "WRN-22 16-16-32-64 on CIFAR-10 87.34 %, ResNet-18 on ImageNet 59.3 %",
        figures: [
            ReportedFigure("wrn22 16-16-32-64", .cifar10, 87.34),
            ReportedFigure("wrn22 16-16-32-64", .cifar100, 60.91),
            ReportedFigure("resnet18", .imageNet, 59.3),
        ],
        deployment: "in bits")

    /// Order of the layers.
    public var block: BONNBlock
    /// How w acts.
    public var reading: ScaleReading
    /// The gradient of w.
    public var scaleGradient: ScaleGradient
    /// How gradients pass the sign of an activation; the paper prints no estimator (methods.md 1.6).
    public var slope: SignSlope
    /// Standard deviation of the latent weights at the start; part of the method (methods.md 1.5).
    public var latentStd: Double
    /// wbar at the start; 0 means 1 / sqrt(fan-in) of each layer, which keeps a sum's variance near 1.
    public var initialScale: Double

    /// The keys of its settings.
    public static let keys: [Key<BONN>] =
        [
            .choice("reading", \.reading, "what w multiplies (methods 1.4)")
                .formerly("model.reading"),
            .choice("scale_gradient", \.scaleGradient, "gradient of w")
                .formerly("model.scale_gradient"),
        ] + SignSlope.keys.at(\.slope) + BONNBlock.keys.at(\.block) + [
            .number(
                "latent_std", \.latentStd, in: 1e-6...10,
                "standard deviation of the latent weights at the start"
            ).formerly("model.latent_std"),
            .number(
                "initial_scale", \.initialScale, in: 0...1000,
                "mean of w at the start; 0: 1 / sqrt(fan-in)"
            ).formerly("model.initial_scale"),
        ]

    /// The recommended reading of the paper.
    public init() { self.init(block: BONNBlock()) }

    /// Creates the method; what is not given is the recommended reading of the paper.
    public init(
        block: BONNBlock = BONNBlock(), reading: ScaleReading = .multiply,
        scaleGradient: ScaleGradient = .printed, slope: SignSlope = .polynomial,
        latentStd: Double = 0.01, initialScale: Double = 0
    ) {
        self.block = block
        self.reading = reading
        self.scaleGradient = scaleGradient
        self.slope = slope
        self.latentStd = latentStd
        self.initialScale = initialScale
    }

    /// Order of the layers.
    public var style: any BlockStyle { block }

    /// A Gaussian of `latentStd`.
    public func latent(_ kernel: [Int]) -> LatentParameter {
        LatentParameter(kernel, .normal(deviation: latentStd))
    }

    /// wbar sign(X).
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        let fanIn = latent.shape.dropFirst().reduce(1, *)
        return try BONNKernel(
            scope, latent: latent, reading: reading, scaleGradient: scaleGradient,
            initialScale: initialScale > 0 ? initialScale : 1 / Double(fanIn).squareRoot())
    }

    /// sign, with the slope of the settings.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { SignQuantizer(slope) }
}

extension ParameterRole {
    /// The scale vector w of a layer (BONN, methods.md 1.3).
    public static let scale = ParameterRole(
        "scale", rate: .scale, decay: .never, isDeployed: false)
    /// The mean of the modes of a kernel (BONN, equation 17).
    public static let mu = ParameterRole("mu", rate: .latent, decay: .never, isDeployed: false)
    /// The standard deviation of the modes of a kernel (BONN, equation 18).
    public static let sigma = ParameterRole(
        "sigma", rate: .scale, decay: .never, isDeployed: false)
    /// log s^2 of the Bayesian feature loss (BONN, equation 8).
    public static let featureVariance = ParameterRole(
        "feature_variance", decay: .never, isDeployed: false)
}
