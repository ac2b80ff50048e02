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
    /// F32 `[K, C / groups, kh, kw]`; or with `weightScale` I8 of the same shape, or the signs alone, U64
    /// `[K, kh, kw, ceil(C / groups / 64)]` as of a `BinaryConvolution`, for inputs that are not signed bytes.
    public var weight: Name
    /// F32, present exactly when the weight is I8 or U64. I8: `[K]`, w = weightScale[k] * weight; of a
    /// signed byte input it is the scale of the sum, the input's scale included. U64: `[1]` or `[K]`,
    /// w = weightScale or -weightScale.
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
    /// F32 `[K, C]`; or with `weightScale` I8 of the same shape, or the signs alone, U64 `[K, ceil(C / 64)]`
    /// as of a `BinaryLinear`, for real inputs.
    public var weight: Name
    /// F32 `[K]` of an I8 weight, `[1]` or `[K]` of a U64 one; see `Convolution.weightScale`.
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
