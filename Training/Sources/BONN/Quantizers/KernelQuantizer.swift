public import Torch

/// The readings of the scale w, on which the paper's equations and its algorithm differ.
public enum ScaleReading: String, Sendable, Codable, CaseIterable {
    /// Xhat = wbar sign(X): Algorithm 1, and what the released weights show. The default.
    case multiply = "A"
    /// Xhat = sign(X), output divided by wbar: equation 1 taken literally (w is about 1 / mean|X|).
    case divide = "B"
    /// As A, with the quantisation term |wbar sign(X) - X|^2: the intent of the prose.
    case reconstruct = "C"
}

/// The gradient that reaches the scale vector w.
public enum ScaleGradient: String, Sendable, Codable, CaseIterable {
    /// Equation 15 as printed: the derivative of clip(w o X).
    case printed
    /// The derivative of the forward pass with respect to w.
    case exact = "true"
}

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
