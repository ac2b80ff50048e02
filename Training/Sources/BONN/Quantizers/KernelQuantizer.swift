public import Torch

/// Latent weights to the kernel of the convolution: BONN, Algorithm 1 and equations 12, 15.
public struct KernelQuantizer: Sendable {
    /// How w acts.
    public var reading: ScaleReading
    /// The gradient of w.
    public var scaleGradient: ScaleGradient

    /// Creates a quantizer.
    public init(reading: ScaleReading = .multiply, scaleGradient: ScaleGradient = .printed) {
        self.reading = reading
        self.scaleGradient = scaleGradient
    }

    /// The kernel of the convolution `[K, C, kh, kw]`, from X of that shape and w `[kh, kw]`.
    public func callAsFunction(_ latent: Tensor, _ w: Tensor) throws(TorchError) -> Tensor {
        try Fused.binaryKernel(
            latent, w, reading: reading.code, trueScaleGradient: scaleGradient == .exact)
    }

    /// The one real number that the layer's integer sums are multiplied with.
    public func scale(_ w: Tensor) throws(TorchError) -> Tensor {
        let mean = try w.detached().mean()
        return reading == .divide ? try 1.0 / mean : mean
    }
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

extension ActivationEstimator {
    var code: Int {
        switch self {
        case .polynomial: 0
        case .clip: 1
        }
    }
}
