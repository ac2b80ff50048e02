/// The graph of a model: a list of operations over named values, definition before use.
///
/// Every node defines exactly one value, which carries the node's name. Shapes are `[C, H, W]`
/// per image; the batch dimension is the session's business and never appears in a file.
public struct Graph: Sendable, Equatable {
    /// The one input of the network.
    public var input: GraphInput
    /// The operations, each after everything that it reads.
    public var nodes: [Node]
    /// The name of the value that holds the logits; its shape is `[K, 1, 1]`.
    public var output: Name

    /// Creates a graph; `GraphValidation` checks it.
    public init(input: GraphInput, nodes: [Node], output: Name) {
        self.input = input
        self.nodes = nodes
        self.output = output
    }
}

/// The input of a graph: its name, its shape `[C, H, W]`, and whether it is real or 8-bit.
public struct GraphInput: Sendable, Equatable {
    /// The name of the value.
    public var name: Name
    /// `[C, H, W]`.
    public var shape: Shape
    /// `.real` (preprocessed pixels) or `.byte` (pixels as they are).
    public var element: ElementType

    /// Creates an input description.
    public init(name: Name, shape: Shape, element: ElementType) {
        self.name = name
        self.shape = shape
        self.element = element
    }
}

/// The shape of one image's value: channels, height, width.
public struct Shape: Sendable, Equatable, Hashable {
    /// C.
    public var channels: Int
    /// H.
    public var height: Int
    /// W.
    public var width: Int

    /// Creates a shape `[C, H, W]`.
    public init(_ channels: Int, _ height: Int, _ width: Int) {
        self.channels = channels
        self.height = height
        self.width = width
    }

    /// C * H * W.
    public var count: Int { channels * height * width }
}

/// What the elements of a value are.
public enum ElementType: String, Sendable, Hashable, CaseIterable {
    /// 32-bit floating point.
    case real
    /// 32-bit integers: the accumulators of a binary layer without a scale.
    case integer
    /// Packed bits that stand for -1 and +1 (bit 1 means -1).
    case signedBits = "signed_bits"
    /// Packed bits that stand for 0 and 1 (bit 1 means 0, the low level, as above).
    case unsignedBits = "unsigned_bits"
    /// Unsigned 8-bit integers: pixels.
    case byte
    /// Signed 8-bit integers in -127...127: what `quantize` makes.
    case signedByte = "signed_byte"
}

/// One operation of the graph and the value that it defines.
public struct Node: Sendable, Equatable {
    /// Unique in the graph; also the name of the value that the node defines.
    public var name: Name
    /// The names of the values that the operation reads, in order.
    public var inputs: [Name]
    /// What is computed.
    public var operation: Operation

    /// Creates a node.
    public init(_ name: Name, _ operation: Operation, inputs: [Name]) {
        self.name = name
        self.operation = operation
        self.inputs = inputs
    }
}

/// The operations. Strings in the payloads name tensors of the same file.
///
/// Deployment arithmetic, which makes results reproducible bit for bit on every machine:
/// a sum of real products (convolution, linear) is a chain of float32 fused multiply-adds, from the
/// bias (or +0) on over kernel rows, kernel columns and channels, in this order, with +0 in the
/// padding; an average is summed and divided in float64 and rounded once to float32; every other
/// real operation is one IEEE float32 operation, never fused. Convolutions and fully connected
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
    /// two real values of one shape -> real.
    case add
    /// two or more values of one element type and one height and width, joined along channels.
    case concatenate
    /// `[C, H, W]` -> `[C * H * W, 1, 1]` in the order C, H, W; everything but signed bytes.
    case flatten
}

/// Kernel size, stride, padding and dilation of a convolution or a pooling window.
public struct Window: Sendable, Equatable {
    /// Kernel height and width.
    public var height: Int, width: Int
    /// Steps between outputs, down and across.
    public var strideHeight: Int, strideWidth: Int
    /// Rows and columns of padding on each side.
    public var padTop: Int, padBottom: Int, padLeft: Int, padRight: Int
    /// Distance between the taps of a kernel, down and across.
    public var dilationHeight: Int, dilationWidth: Int

    /// A square window with the same padding on all sides.
    public init(_ size: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1) {
        self.init(
            height: size, width: size, strideHeight: stride, strideWidth: stride, padTop: padding,
            padBottom: padding, padLeft: padding, padRight: padding, dilationHeight: dilation,
            dilationWidth: dilation)
    }

    /// A window with every number given.
    public init(
        height: Int, width: Int, strideHeight: Int, strideWidth: Int, padTop: Int, padBottom: Int,
        padLeft: Int, padRight: Int, dilationHeight: Int = 1, dilationWidth: Int = 1
    ) {
        self.height = height
        self.width = width
        self.strideHeight = strideHeight
        self.strideWidth = strideWidth
        self.padTop = padTop
        self.padBottom = padBottom
        self.padLeft = padLeft
        self.padRight = padRight
        self.dilationHeight = dilationHeight
        self.dilationWidth = dilationWidth
    }
}

/// A real convolution; always zero-padded.
public struct Convolution: Sendable, Equatable {
    /// Kernel, stride, padding, dilation.
    public var window: Window
    /// Number of channel groups.
    public var groups: Int
    /// F32 `[K, C / groups, kh, kw]`, or I8 of the same shape with `weightScale`.
    public var weight: Name
    /// F32 `[K]`, present exactly when the weight is I8: w = weightScale[k] * weight. Of a signed
    /// byte input it is the scale of the sum, the input's scale included.
    public var weightScale: Name?
    /// F32 `[K]`, or nil.
    public var bias: Name?

    /// Creates a real convolution.
    public init(
        window: Window, groups: Int = 1, weight: Name, weightScale: Name? = nil,
        bias: Name? = nil
    ) {
        self.window = window
        self.groups = groups
        self.weight = weight
        self.weightScale = weightScale
        self.bias = bias
    }
}

/// What the border of a binary convolution's input holds.
public enum PaddingValue: String, Sendable, CaseIterable {
    /// Contributes nothing to the sum (BONN, Bi-Real, XNOR).
    case zero
    /// +1 (Larq).
    case plusOne = "plus_one"
    /// -1; only for signed bits.
    case minusOne = "minus_one"
}

/// A binary convolution: the exact integer sum over +-1 weights, times a scale if there is one.
public struct BinaryConvolution: Sendable, Equatable {
    /// Kernel, stride, padding, dilation.
    public var window: Window
    /// What the padding holds.
    public var paddingValue: PaddingValue
    /// Number of channel groups.
    public var groups: Int
    /// C, the number of input channels.
    public var inputChannels: Int
    /// U64 `[K, kh, kw, ceil(C / groups / 64)]`; channel c of its group in word c / 64, bit c % 64.
    public var weight: Name
    /// F32 `[1]` or `[K]`; without it the result is the integer sum.
    public var scale: Name?
    /// F32 `[K]`, added after the scale in a second rounding; needs a scale.
    public var bias: Name?

    /// Creates a binary convolution.
    public init(
        window: Window, paddingValue: PaddingValue = .zero, groups: Int = 1, inputChannels: Int,
        weight: Name, scale: Name? = nil, bias: Name? = nil
    ) {
        self.window = window
        self.paddingValue = paddingValue
        self.groups = groups
        self.inputChannels = inputChannels
        self.weight = weight
        self.scale = scale
        self.bias = bias
    }
}

/// A real fully connected layer.
public struct Linear: Sendable, Equatable {
    /// F32 `[K, C]`, or I8 of the same shape with `weightScale`.
    public var weight: Name
    /// F32 `[K]`, present exactly when the weight is I8; see `Convolution.weightScale`.
    public var weightScale: Name?
    /// F32 `[K]`, or nil.
    public var bias: Name?

    /// Creates a real fully connected layer.
    public init(weight: Name, weightScale: Name? = nil, bias: Name? = nil) {
        self.weight = weight
        self.weightScale = weightScale
        self.bias = bias
    }
}

/// A binary fully connected layer.
public struct BinaryLinear: Sendable, Equatable {
    /// C, the number of input features.
    public var inputFeatures: Int
    /// U64 `[K, ceil(C / 64)]`.
    public var weight: Name
    /// F32 `[1]` or `[K]`; without it the result is the integer sum.
    public var scale: Name?
    /// F32 `[K]`, added after the scale in a second rounding; needs a scale.
    public var bias: Name?

    /// Creates a binary fully connected layer.
    public init(inputFeatures: Int, weight: Name, scale: Name? = nil, bias: Name? = nil) {
        self.inputFeatures = inputFeatures
        self.weight = weight
        self.scale = scale
        self.bias = bias
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
