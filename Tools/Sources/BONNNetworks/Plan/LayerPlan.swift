public import BONNModelFormat

/// What a layer of a plan computes: the vocabulary of networks.
///
/// No name of a method stands here. A method decides what `quantize` and quantized weights are.
public enum LayerPlan: Sendable, Equatable {
    /// A convolution.
    case convolution(ConvolutionPlan)
    /// A fully connected layer; reads `[C, 1, 1]`.
    case linear(LinearPlan)
    /// The activation quantizer of the method.
    case quantize
    /// A batch norm, one scale and one shift a channel.
    case batchNorm
    /// A learned number a channel that is added.
    case bias
    /// A learned number a channel by which is multiplied.
    case scale
    /// max(x, 0).
    case relu
    /// Clamped to [-1, 1].
    case hardtanh
    /// x >= 0 ? x : slope * x, one learned slope a channel.
    case prelu
    /// The largest value of each window.
    case maxPool(Pool)
    /// The mean of each window.
    case averagePool(Pool)
    /// The mean of each channel, `[C, H, W]` to `[C, 1, 1]`.
    case globalAveragePool
    /// |x|.
    case absolute
    /// The value itself, through which no gradient passes.
    case stopGradient
    /// The sum of two values of one shape.
    case add
    /// The product of two values, the second one of the shape of the first, or `[C, 1, 1]`, a factor a
    /// channel, or `[1, H, W]`, a factor a pixel.
    case multiply
    /// Two or more values, joined along channels.
    case concatenate
    /// `[C, H, W]` to `[C * H * W, 1, 1]`.
    case flatten
    /// In training, elements are dropped with this probability; otherwise nothing.
    case dropout(Double)

    /// What the weights are of a layer that sums products with some; nil for all others.
    var weights: Weights? {
        switch self {
        case .convolution(let convolution): convolution.weights
        case .linear(let linear): linear.weights
        case .quantize, .batchNorm, .bias, .scale, .relu, .hardtanh, .prelu, .absolute,
            .stopGradient, .maxPool, .averagePool, .globalAveragePool, .add, .multiply,
            .concatenate, .flatten, .dropout:
            nil
        }
    }

    /// Whether the layer sums products with weights.
    public var hasWeights: Bool { weights != nil }

    /// Whether weights are the method's business.
    public var hasQuantizedWeights: Bool { weights == .quantized }
}

/// What the weights of a layer are.
public enum Weights: Sendable, Equatable {
    /// Learned real numbers.
    case real
    /// What the method's kernel quantizer makes of learned real numbers.
    case quantized
    /// Fixed: the outer product of (1 2 1) / 4 with itself, a blur; 3x3, one channel a group.
    case binomial
    /// Fixed: the reciprocal of the number of products in a sum, a mean; zeros of the padding count.
    case mean

    /// The numbers of weights `[K, C / groups, kh, kw]` or `[K, C]` that are fixed; nil: they are learned.
    public func fixed(_ shape: [Int]) -> [Float]? {
        switch self {
        case .real, .quantized: return nil
        case .binomial:
            let kernel: [Float] = [1, 2, 1, 2, 4, 2, 1, 2, 1].map { $0 / 16 }
            return (0..<shape[0]).flatMap { _ in kernel }
        case .mean:
            let products = shape.dropFirst().reduce(1, *)
            return [Float](repeating: 1 / Float(products), count: shape[0] * products)
        }
    }
}

/// A convolution of a plan.
public struct ConvolutionPlan: Sendable, Equatable {
    /// K, output channels.
    public var outputs: Int
    /// Kernel, stride, padding, dilation.
    public var window: Window
    /// Number of channel groups.
    public var groups: Int
    /// Whether a learned number is added to each output channel.
    public var hasBias: Bool
    /// What the weights are.
    public var weights: Weights
    /// What the padding holds; other than zero only in front of quantized weights.
    public var padding: PaddingValue

    /// Creates a convolution.
    public init(
        outputs: Int, window: Window, groups: Int = 1, hasBias: Bool = false,
        weights: Weights = .real, padding: PaddingValue = .zero
    ) {
        self.outputs = outputs
        self.window = window
        self.groups = groups
        self.hasBias = hasBias
        self.weights = weights
        self.padding = padding
    }

    /// `[K, C / groups, kh, kw]`, of an input of C channels.
    public func weightShape(channels: Int) -> [Int] {
        [outputs, channels / groups, window.height, window.width]
    }
}

/// A fully connected layer of a plan.
public struct LinearPlan: Sendable, Equatable {
    /// K, outputs.
    public var outputs: Int
    /// Whether a learned number is added to each output.
    public var hasBias: Bool
    /// What the weights are.
    public var weights: Weights

    /// Creates a fully connected layer.
    public init(outputs: Int, hasBias: Bool = true, weights: Weights = .real) {
        self.outputs = outputs
        self.hasBias = hasBias
        self.weights = weights
    }
}
