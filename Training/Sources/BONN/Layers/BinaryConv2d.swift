public import Torch

/// A 1-bit convolution of BONN: binary activations [N, C, H, W], latent weights X [K, C, kh, kw].
///
/// Forward (Algorithm 1): `O = wbar (a_b * sign(X))`, zero padding, so the border contributes nothing.
/// X, the scale vector w [kh, kw], and mu, sigma [K] of the two modes are parameters.
public struct BinaryConv2d {
    /// Where the layer stands: the prefix of its parameters' names.
    public let name: String
    /// Latent weights X, `[K, C, kh, kw]`.
    public let weight: Parameter
    /// The scale vector w, `[kh, kw]`, shared by all kernels of the layer.
    public let scale: Parameter
    /// The means of the modes, `[K]`.
    public let mu: Parameter
    /// The standard deviations of the modes, `[K]`.
    public let sigma: Parameter
    /// Kernel, stride, padding.
    public let shape: ConvolutionShape
    /// How X and w become the kernel.
    public let quantizer: KernelQuantizer

    /// The smallest sigma: 1 / sigma^2 is unbounded once the modes are sharp.
    public static let smallestSigma = 1e-3

    /// Creates the layer. X is drawn from N(0, latentStd^2); mu and sigma start at the mean and the
    /// standard deviation of |X|, which minimise the kernel loss (methods.md 1.3); w is constant.
    public init(
        _ scope: ParameterScope, _ shape: ConvolutionShape, quantizer: KernelQuantizer,
        latentStd: Double, initialScale: Double
    ) throws(TorchError) {
        self.name = scope.path
        self.shape = shape
        self.quantizer = quantizer
        weight = try scope.parameter(
            "weight", shape.weightShape, .normal(deviation: latentStd), role: .binaryKernel)
        let w = quantizer.reading == .divide ? 1 / initialScale : initialScale
        scale = try scope.parameter(
            "w", [shape.kernel, shape.kernel], .constant(w), role: .scale)
        mu = try scope.parameter("mu", [shape.outputs], .constant(0), role: .mu)
        sigma = try scope.parameter("sigma", [shape.outputs], .constant(1), role: .sigma)
        try fitModes()
    }

    /// Sets mu and sigma to what minimises the kernel loss of the latent weights as they are.
    public func fitModes() throws(TorchError) {
        let moments = try latentMoments()
        try withoutGradient { () throws(TorchError) in
            try mu.tensor.copy_(from: moments.mean)
            try sigma.tensor.copy_(from: moments.deviation)
        }
    }

    /// `x`: +-1, [N, C, H, W]. Returns [N, K, H', W'].
    public func callAsFunction(_ x: Tensor, _ phase: Phase) throws(TorchError) -> Tensor {
        switch phase {
        case .training, .evaluation:
            return try x.conv2d(
                quantizer(weight.tensor, scale.tensor), stride: shape.stride,
                padding: shape.padding)
        case .deployment:
            return try integerSums(x) * quantizer.scale(scale.tensor)
        }
    }

    /// The exact integer sums of sign(x) * sign(X), as float32 (they stay far below 2^24).
    public func integerSums(_ x: Tensor) throws(TorchError) -> Tensor {
        try x.conv2d(
            signOrPlusOne(weight.tensor), stride: shape.stride, padding: shape.padding)
    }

    /// Per kernel: mean and standard deviation of |X|, each [K].
    public func latentMoments() throws(TorchError) -> (mean: Tensor, deviation: Tensor) {
        let magnitudes = try weight.tensor.detached().abs().flatten(from: 1)
        return (
            mean: try magnitudes.mean([1]),
            deviation: try magnitudes.variance([1], unbiased: false).sqrt()
                .clamp(min: Self.smallestSigma)
        )
    }

    /// Keeps sigma where the kernel loss is defined; called after each optimiser step.
    func constrain() throws(TorchError) {
        try sigma.tensor.copy_(from: sigma.tensor.clamp(min: Self.smallestSigma))
    }
}

/// Kernel size, stride and channels of a square convolution with "same" padding.
public struct ConvolutionShape: Sendable, Equatable {
    /// C, input channels.
    public var inputs: Int
    /// K, output channels.
    public var outputs: Int
    /// kh = kw.
    public var kernel: Int
    /// Steps between outputs.
    public var stride: Int

    /// Creates a shape.
    public init(_ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1) {
        self.inputs = inputs
        self.outputs = outputs
        self.kernel = kernel
        self.stride = stride
    }

    /// Zeros around the input: (kernel - 1) / 2.
    public var padding: Int { (kernel - 1) / 2 }
    /// `[K, C, kh, kw]`.
    public var weightShape: [Int] { [outputs, inputs, kernel, kernel] }
}
