public import BONNModelFormat

/// A value of one image as plain numbers `[C, H, W]`: bits as their levels, integers as they are.
public struct ReferenceValue: Equatable, Sendable {
    /// `[C, H, W]`.
    public var shape: Shape
    /// The elements, row-major.
    public var values: [Float]

    /// Creates a value; `values.count` must be the shape's.
    public init(_ shape: Shape, _ values: [Float]) {
        precondition(values.count == shape.count)
        self.shape = shape
        self.values = values
    }

    /// One element.
    public subscript(c: Int, y: Int, x: Int) -> Float {
        get { values[(c * shape.height + y) * shape.width + x] }
        set { values[(c * shape.height + y) * shape.width + x] = newValue }
    }

    /// A value computed element by element.
    public init(_ shape: Shape, element: (_ c: Int, _ y: Int, _ x: Int) -> Float) {
        self.init(shape, [Float](repeating: 0, count: shape.count))
        for c in 0..<shape.channels {
            for y in 0..<shape.height {
                for x in 0..<shape.width { self[c, y, x] = element(c, y, x) }
            }
        }
    }
}

/// What every operation means, in plain loops and nothing else: the oracle of the kernels.
public enum Reference {
    /// The output of a window over an input.
    public static func outputShape(_ window: Window, _ input: Shape, channels: Int) -> Shape {
        func size(_ size: Int, _ pads: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> Int {
            (size + pads - dilation * (kernel - 1) - 1) / stride + 1
        }
        return Shape(
            channels,
            size(
                input.height, window.padTop + window.padBottom, window.height,
                window.strideHeight, window.dilationHeight),
            size(
                input.width, window.padLeft + window.padRight, window.width, window.strideWidth,
                window.dilationWidth))
    }

    /// The positions under a window, row by row; some may lie outside the image.
    static func positions(_ window: Window, _ y: Int, _ x: Int) -> [(y: Int, x: Int)] {
        (0..<window.height).flatMap { ky in
            (0..<window.width).map { kx in
                (
                    y * window.strideHeight - window.padTop + ky * window.dilationHeight,
                    x * window.strideWidth - window.padLeft + kx * window.dilationWidth
                )
            }
        }
    }

    /// Convolution with weights `[K, C / groups, kh, kw]`: from the bias on, one fused multiply-add
    /// after the other over kernel rows, kernel columns and channels, in the padding too.
    public static func convolution(
        _ input: ReferenceValue, weights: [Float], outputs: Int, window: Window, groups: Int = 1,
        padding: Float = 0, bias: [Float]? = nil
    ) -> ReferenceValue {
        let channels = input.shape.channels / groups
        let taps = window.height * window.width
        let shape = outputShape(window, input.shape, channels: outputs)
        return ReferenceValue(shape) { k, y, x in
            let group = k / (outputs / groups)
            var sum = bias?[k] ?? 0
            for (tap, place) in positions(window, y, x).enumerated() {
                let isInside =
                    (0..<input.shape.height).contains(place.y)
                    && (0..<input.shape.width).contains(place.x)
                for c in 0..<channels {
                    let level =
                        isInside ? input[group * channels + c, place.y, place.x] : padding
                    sum.addProduct(level, weights[(k * channels + c) * taps + tap])
                }
            }
            return sum
        }
    }

    /// Convolution of integers with weights `[K, C / groups, kh, kw]`: the exact sum, converted,
    /// scaled and shifted, each rounded.
    public static func byteConvolution(
        _ input: ReferenceValue, weights: [Int8], outputs: Int, window: Window, groups: Int = 1,
        scale: [Float], bias: [Float]? = nil
    ) -> ReferenceValue {
        let channels = input.shape.channels / groups
        let taps = window.height * window.width
        let shape = outputShape(window, input.shape, channels: outputs)
        return ReferenceValue(shape) { k, y, x in
            let group = k / (outputs / groups)
            var sum = 0
            for (tap, place) in positions(window, y, x).enumerated()
            where (0..<input.shape.height).contains(place.y)
                && (0..<input.shape.width).contains(place.x)
            {
                for c in 0..<channels {
                    let level = Int(input[group * channels + c, place.y, place.x])
                    sum += level * Int(weights[(k * channels + c) * taps + tap])
                }
            }
            let product: Float = Float(sum) * scale[k]
            return bias.map { product + $0[k] } ?? product
        }
    }

    /// Rounding to signed bytes.
    public static func quantize(_ input: ReferenceValue, inverseScale: Float) -> ReferenceValue {
        map(input) { value, _ in
            let scaled: Float = value * inverseScale
            guard !scaled.isNaN else { return -127 }
            return min(max(scaled.rounded(.toNearestOrEven), -127), 127)
        }
    }

    /// Section 6 of Documentation/model-format.md, step by step.
    public static func sigmoid(_ x: Float) -> Float {
        guard !x.isNaN else { return .nan }
        let t = Double(max(-x.magnitude, -128))
        let n = (t * 0x1.71547652b82fep+0).rounded(.toNearestOrEven)
        let r = t - n * 0x1.62e42fefa39efp-1
        var sum = 0.0
        for k in (0...10).reversed() {
            let factorial = (1...max(k, 1)).reduce(1, *)
            sum = sum * r + 1 / Double(factorial)
        }
        let e = sum * Double(sign: .plus, exponent: Int(n), significand: 1)
        return Float((x >= 0 ? 1 : e) / (1 + e))
    }

    /// Each channel by itself: `transform(value, channel)`.
    public static func map(
        _ input: ReferenceValue, _ transform: (Float, Int) -> Float
    ) -> ReferenceValue {
        ReferenceValue(input.shape) { c, y, x in transform(input[c, y, x], c) }
    }

    /// The sums of two values of one shape.
    public static func add(_ a: ReferenceValue, _ b: ReferenceValue) -> ReferenceValue {
        ReferenceValue(a.shape) { c, y, x in a[c, y, x] + b[c, y, x] }
    }

    /// The products with a value of the same shape, of one element a channel or of one a pixel.
    public static func multiply(_ a: ReferenceValue, _ b: ReferenceValue) -> ReferenceValue {
        ReferenceValue(a.shape) { c, y, x in
            a[c, y, x]
                * b[
                    b.shape.channels == 1 ? 0 : c, b.shape.height == 1 ? 0 : y,
                    b.shape.width == 1 ? 0 : x]
        }
    }

    /// Batch norm: two roundings.
    public static func batchNorm(
        _ input: ReferenceValue, scale: [Float], shift: [Float]
    ) -> ReferenceValue {
        map(input) { value, c in
            let product: Float = value * scale[c]
            return product + shift[c]
        }
    }

    /// Comparison with a threshold; the levels are +1 and `low`.
    ///
    /// Thresholds are given as float64, which holds every float32 and int32 exactly.
    public static func threshold(
        _ input: ReferenceValue, thresholds: [Double], directions: [Int8], low: Float
    ) -> ReferenceValue {
        map(input) { value, c in
            let isHigh =
                switch directions[c] {
                case 1: Double(value) >= thresholds[c]
                case -1: Double(value) <= thresholds[c]
                default: thresholds[c] >= 0
                }
            return isHigh ? 1 : low
        }
    }

    /// The largest element of each window; a NaN wins, padding does not take part.
    public static func maxPool(_ input: ReferenceValue, _ window: Window) -> ReferenceValue {
        let shape = outputShape(window, input.shape, channels: input.shape.channels)
        return ReferenceValue(shape) { c, y, x in
            let elements = inside(input, window, c, y, x)
            return elements.contains(where: \.isNaN) ? .nan : elements.max() ?? -.infinity
        }
    }

    /// The mean of each window; sums in float64, rounded once.
    public static func averagePool(
        _ input: ReferenceValue, _ window: Window, countsPadding: Bool
    ) -> ReferenceValue {
        let shape = outputShape(window, input.shape, channels: input.shape.channels)
        return ReferenceValue(shape) { c, y, x in
            let elements = inside(input, window, c, y, x)
            let sum = elements.reduce(0.0) { $0 + Double($1) }
            return Float(
                sum / Double(countsPadding ? window.height * window.width : elements.count))
        }
    }

    private static func inside(
        _ input: ReferenceValue, _ window: Window, _ c: Int, _ y: Int, _ x: Int
    ) -> [Float] {
        positions(window, y, x).compactMap { place in
            let isInside =
                (0..<input.shape.height).contains(place.y)
                && (0..<input.shape.width).contains(place.x)
            return isInside ? input[c, place.y, place.x] : nil
        }
    }

    /// Values joined along channels.
    public static func concatenate(_ inputs: [ReferenceValue]) -> ReferenceValue {
        let first = inputs[0].shape
        let channels = inputs.reduce(0) { $0 + $1.shape.channels }
        return ReferenceValue(
            Shape(channels, first.height, first.width), inputs.flatMap(\.values))
    }
}
