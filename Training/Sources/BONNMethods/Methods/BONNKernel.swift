public import BONNNetworks
public import Torch

/// Latent weights X to the kernel of the convolution: BONN, Algorithm 1 and equations 12, 15.
///
/// The scale vector w [kh, kw], shared by all kernels of the layer, and mu, sigma [K] of the two modes are
/// parameters beside X [K, C, kh, kw]; a fully connected layer is a window of one pixel.
public struct BONNKernel: BimodalKernel {
    /// The scale vector w, `[kh, kw]`, shared by all kernels of the layer.
    public let scale: Parameter
    /// The means of the modes, `[K]`.
    public let mu: Parameter
    /// The standard deviations of the modes, `[K]`.
    public let sigma: Parameter
    /// How w acts.
    public let reading: ScaleReading
    /// The gradient of w.
    public let scaleGradient: ScaleGradient

    /// The smallest sigma: 1 / sigma^2 is unbounded once the modes are sharp.
    public static let smallestSigma = 1e-3

    /// Creates the quantizer. mu and sigma start at the mean and the standard deviation of |X|, which
    /// minimise the kernel loss (methods.md 1.3); w is constant.
    public init(
        _ scope: ParameterScope, latent: Tensor, reading: ScaleReading = .multiply,
        scaleGradient: ScaleGradient = .printed, initialScale: Double
    ) throws(TorchError) {
        let w = reading == .divide ? 1 / initialScale : initialScale
        let kernels = [latent.shape[0]]
        self.init(
            scale: try scope.parameter("w", Self.window(latent.shape), .constant(w), role: .scale),
            mu: try scope.parameter("mu", kernels, .constant(0), role: .mu),
            sigma: try scope.parameter("sigma", kernels, .constant(1), role: .sigma),
            reading: reading, scaleGradient: scaleGradient)
        try fit(latent)
    }

    /// The quantizer of parameters that are there.
    init(
        scale: Parameter, mu: Parameter, sigma: Parameter, reading: ScaleReading,
        scaleGradient: ScaleGradient
    ) {
        self.scale = scale
        self.mu = mu
        self.sigma = sigma
        self.reading = reading
        self.scaleGradient = scaleGradient
    }

    /// w, mu and sigma.
    public var parameters: [Parameter] { [scale, mu, sigma] }

    /// Sets mu and sigma to what minimises the kernel loss of the latent weights as they are.
    public func fit(_ latent: Tensor) throws(TorchError) {
        let moments = try Self.moments(latent)
        try withoutGradient { () throws(TorchError) in
            try mu.tensor.copy_(from: moments.mean)
            try sigma.tensor.copy_(from: moments.deviation)
        }
    }

    /// wbar sign(X), with the gradients of equations 12 and 15.
    public func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
        let shape = latent.shape
        let windowed = try latent.reshape(Self.windowed(shape))
        guard pass.isFusing else { return try composed(windowed).reshape(shape) }
        return try Fused.binaryKernel(
            windowed, scale.tensor, reading: reading.code,
            trueScaleGradient: scaleGradient == .exact
        ).reshape(shape)
    }

    /// The definition: the value of wbar sign(X) with the gradient of clip(w o X), and for the true
    /// gradient of w that of the value itself (methods.md 1.5).
    private func composed(_ latent: Tensor) throws(TorchError) -> Tensor {
        let signs = try signOrPlusOne(latent)
        let w = scaleGradient == .exact ? try scale.tensor.detached() : scale.tensor
        let mean = try scale.tensor.mean()
        let magnitude = reading == .divide ? try 1.0 / mean : mean
        let value = try signs * (scaleGradient == .exact ? magnitude : magnitude.detached())
        let clipped = try (latent * w).clamp(min: -1, max: 1)
        // Reading B divides the whole kernel, so its gradient is divided too.
        let surrogate = reading == .divide ? try clipped / mean.detached() : clipped
        guard surrogate.requiresGradient else { return value }
        return try value + (surrogate - surrogate.detached())
    }

    /// J with Xhat = wbar sign(X), which is sign(X) in reading B, and w; in reading C, w is 1.
    public func deviation(_ latent: Tensor, nu: Double) throws(TorchError) -> Tensor {
        try Fused.kernelLoss(
            latent.reshape(Self.windowed(latent.shape)), scale.tensor, mu: mu.tensor,
            sigma: sigma.tensor, nu: nu, reading: reading.code)
    }

    /// The signs of X times wbar.
    public func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
        let mean = try scale.tensor.detached().mean()
        let magnitude = reading == .divide ? try 1.0 / mean : mean
        return .binary([
            try KernelTerm(signsOf: latent, scale: magnitude)
        ])
    }

    /// Keeps sigma where the kernel loss is defined.
    public func constrain(_ latent: Tensor) throws(TorchError) {
        try sigma.tensor.copy_(from: sigma.tensor.clamp(min: Self.smallestSigma))
    }

    /// The means of mu, sigma and w.
    public func statistics(
        _ latent: Tensor
    ) throws(TorchError) -> [(name: String, value: Double)] {
        [
            ("mu", try mu.tensor.detached().to(.float64).mean().item()),
            ("sigma", try sigma.tensor.detached().to(.float64).mean().item()),
            ("w", try scale.tensor.detached().to(.float64).mean().item()),
        ]
    }

    /// Per kernel: mean and standard deviation of |X|, each [K].
    public static func moments(
        _ latent: Tensor
    ) throws(TorchError) -> (mean: Tensor, deviation: Tensor) {
        let magnitudes = try latent.detached().abs().flatten(from: 1)
        return (
            mean: try magnitudes.mean([1]),
            deviation: try magnitudes.variance([1], unbiased: false).sqrt()
                .clamp(min: smallestSigma)
        )
    }

    /// [kh, kw] of weights.
    private static func window(_ shape: [Int]) -> [Int] {
        shape.count == 4 ? Array(shape.suffix(2)) : [1, 1]
    }

    /// [K, C, kh, kw] of weights.
    static func windowed(_ shape: [Int]) -> [Int] { Array(shape.prefix(2)) + window(shape) }
}

extension ScaleReading {
    var code: Int {
        switch self {
        case .multiply: 0
        case .divide: 1
        case .reconstruct: 2
        }
    }
}
