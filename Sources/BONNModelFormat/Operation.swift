/// The operations. Strings in the payloads name tensors of the same file.
///
/// Deployment arithmetic, which makes results reproducible bit for bit on every machine:
/// a sum of real products (convolution, linear) is a chain of float32 fused multiply-adds, from the
/// bias (or +0) on over kernel rows, kernel columns and channels, in this order, with +0 in the
/// padding; an average is summed and divided in float64 and rounded once to float32; a sigmoid is that of
/// `DeploymentArithmetic`; every other real operation is one IEEE float32 operation, never fused. Convolutions and fully connected
/// layers of signed bytes sum exactly in integers; the sum is converted to float32 and multiplied by
/// the scale of its channel, then the bias is added, each rounded.
public enum Operation: Sendable, Equatable {
    /// real, byte or signed byte -> real.
    case convolution(Convolution)
    /// bits -> integer, or real when a scale is given.
    case binaryConvolution(BinaryConvolution)
    /// real or signed byte -> real; reads `[C, 1, 1]`.
    case linear(Linear)
    /// bits -> integer, or real when a scale is given; reads `[C, 1, 1]`.
    case binaryLinear(BinaryLinear)
    /// real or integer -> real: `y = (x * scale) + shift`, two roundings.
    case batchNorm(BatchNorm)
    /// real, integer or byte -> bits.
    case threshold(Threshold)
    /// real -> signed byte.
    case quantize(Quantize)
    /// real -> real, or bits -> bits (the larger value; padding never wins).
    case maxPool(Pool)
    /// real -> real.
    case averagePool(Pool)
    /// real -> real, `[C, H, W]` to `[C, 1, 1]`.
    case globalAveragePool
    /// real -> real.
    case relu
    /// real -> real: `x >= 0 ? x : slope * x`.
    case prelu(PReLU)
    /// real -> real: clamp to [-1, 1].
    case hardtanh
    /// real -> real: `1 / (1 + exp(-x))`.
    case sigmoid
    /// two real values of one shape -> real.
    case add
    /// two real values -> real; the second one of the shape of the first, or `[C, 1, 1]`, a factor a
    /// channel, or `[1, H, W]`, a factor a pixel.
    case multiply
    /// two or more values of one element type and one height and width, joined along channels.
    case concatenate
    /// `[C, H, W]` -> `[C * H * W, 1, 1]` in the order C, H, W; everything but signed bytes.
    case flatten
}

extension Operation {
    /// Which operation; the raw value is its name in a file.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case convolution
        case binaryConvolution = "binary_convolution"
        case linear
        case binaryLinear = "binary_linear"
        case batchNorm = "batch_norm"
        case threshold
        case quantize
        case maxPool = "max_pool"
        case averagePool = "average_pool"
        case globalAveragePool = "global_average_pool"
        case relu
        case prelu
        case hardtanh
        case sigmoid
        case add
        case multiply
        case concatenate
        case flatten
    }

    /// What is computed, without its parameters.
    public var kind: Kind {
        switch self {
        case .convolution: .convolution
        case .binaryConvolution: .binaryConvolution
        case .linear: .linear
        case .binaryLinear: .binaryLinear
        case .batchNorm: .batchNorm
        case .threshold: .threshold
        case .quantize: .quantize
        case .maxPool: .maxPool
        case .averagePool: .averagePool
        case .globalAveragePool: .globalAveragePool
        case .relu: .relu
        case .prelu: .prelu
        case .hardtanh: .hardtanh
        case .sigmoid: .sigmoid
        case .add: .add
        case .multiply: .multiply
        case .concatenate: .concatenate
        case .flatten: .flatten
        }
    }

    /// The name of the operation in a file.
    public var name: String { kind.rawValue }

    /// Whether this maps real or integer elements to real ones in the same place, so that it can run on
    /// values while they are in registers.
    public var isElementwise: Bool { kind.family == .elementwise }

    /// The weight of a convolution or a fully connected layer and its groups of channels; nil for
    /// everything else.
    public var layer: (weight: Name, groups: Int)? {
        switch self {
        case .convolution(let convolution): (convolution.weight, convolution.groups)
        case .binaryConvolution(let convolution): (convolution.weight, convolution.groups)
        case .linear(let linear): (linear.weight, 1)
        case .binaryLinear(let linear): (linear.weight, 1)
        case .batchNorm, .threshold, .quantize, .maxPool, .averagePool, .globalAveragePool, .relu,
            .prelu, .hardtanh, .sigmoid, .add, .multiply, .concatenate, .flatten:
            nil
        }
    }
}

extension Operation.Kind {
    /// How the elements of a result come about, from which it follows what can run together.
    public enum Family: Sendable {
        /// Sums of products with weights, of real numbers or signed bytes.
        case realLayer
        /// Sums of products of bits.
        case binaryLayer
        /// The largest element or the mean of a window.
        case pooling
        /// Each real element of those in the same place.
        case elementwise
        /// Each element by itself, to another element type.
        case conversion
        /// The elements of the inputs, in another order.
        case arrangement
    }

    /// How the elements of the result come about.
    public var family: Family {
        switch self {
        case .convolution, .linear: .realLayer
        case .binaryConvolution, .binaryLinear: .binaryLayer
        case .maxPool, .averagePool, .globalAveragePool: .pooling
        case .batchNorm, .relu, .prelu, .hardtanh, .sigmoid, .add, .multiply: .elementwise
        case .threshold, .quantize: .conversion
        case .concatenate, .flatten: .arrangement
        }
    }

    /// How many values the operation reads.
    public var inputCount: ClosedRange<Int> {
        switch self {
        case .add, .multiply: 2...2
        case .concatenate: 2...FormatLimits.nodes
        case .convolution, .binaryConvolution, .linear, .binaryLinear, .batchNorm, .threshold,
            .quantize, .maxPool, .averagePool, .globalAveragePool, .relu, .prelu, .hardtanh,
            .sigmoid, .flatten:
            1...1
        }
    }
}

/// A batch norm in its inference form, one scale and one shift a channel.
public struct BatchNorm: Sendable, Equatable {
    /// F32 `[C]`: gamma / sqrt(variance + epsilon).
    public var scale: Name
    /// F32 `[C]`: beta - mean * scale.
    public var shift: Name

    /// Creates a batch norm.
    public init(scale: Name, shift: Name) {
        self.scale = scale
        self.shift = shift
    }
}

/// Comparison with a threshold a channel: what remains of batch norm and sign together.
///
/// `direction[c]` is +1: high when x >= threshold[c]; -1: high when x <= threshold[c];
/// 0: constant, high when threshold[c] >= 0. A NaN compares false, so it gives the low level.
public struct Threshold: Sendable, Equatable {
    /// F32 `[C]` for real and byte inputs, I32 `[C]` for integer inputs.
    public var threshold: Name
    /// I8 `[C]`, each -1, 0 or +1.
    public var direction: Name
    /// `.signedBits` (levels -1 and +1) or `.unsignedBits` (levels 0 and 1).
    public var levels: ElementType

    /// Creates a threshold.
    public init(threshold: Name, direction: Name, levels: ElementType = .signedBits) {
        self.threshold = threshold
        self.direction = direction
        self.levels = levels
    }
}

/// Rounding to signed bytes: the nearest integer to fl(x * inverseScale), ties to even, kept within
/// -127...127; a NaN gives -127.
public struct Quantize: Sendable, Equatable {
    /// F32 `[1]`: what x is multiplied by, the reciprocal of what one step stands for.
    public var inverseScale: Name

    /// Creates a quantisation.
    public init(inverseScale: Name) {
        self.inverseScale = inverseScale
    }
}

/// A pooling window.
public struct Pool: Sendable, Equatable {
    /// Size, stride, padding; dilation is 1.
    public var window: Window
    /// Average pooling: whether the divisor counts the padding.
    public var countsPadding: Bool

    /// Creates a pooling operation.
    public init(window: Window, countsPadding: Bool = true) {
        self.window = window
        self.countsPadding = countsPadding
    }
}

/// A parametric ReLU.
public struct PReLU: Sendable, Equatable {
    /// F32 `[1]` or `[C]`.
    public var slope: Name

    /// Creates a parametric ReLU.
    public init(slope: Name) {
        self.slope = slope
    }
}
