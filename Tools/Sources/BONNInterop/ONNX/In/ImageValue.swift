import BONNModelFormat

/// A value of an ONNX graph that differs from image to image: how its axes lie, and what it is.
///
/// Transposing, squeezing and the like only change this description: the value of the model stays `[C, H, W]`.
struct ImageValue {
    /// What an axis runs over.
    enum Axis {
        case batch, channel, height, width
        /// One element, of nothing.
        case unit
    }

    /// Rows and columns of one number around the image, which the next operation takes into its window.
    struct Padding {
        var top: Int, left: Int, bottom: Int, right: Int
        var number: Float
    }

    /// Where it stands among the forms of a `GraphReading`.
    var id: Int
    var axes: [Axis]
    /// `[C, H, W]` of one image.
    var shape: Shape
    /// The channel of the model for each of ONNX, where they lie in another order: behind the flattening of rows and
    /// columns with channels last.
    var order: [Int]?
    /// Around the image, not yet part of `shape`.
    var padding: Padding?

    static let planes: [Axis] = [.batch, .channel, .height, .width]
    static let pixels: [Axis] = [.batch, .height, .width, .channel]

    /// How many elements lie along an axis.
    func size(_ axis: Axis, batch: Int) -> Int {
        switch axis {
        case .batch: batch
        case .channel: shape.channels
        case .height: shape.height
        case .width: shape.width
        case .unit: 1
        }
    }

    /// The shape in ONNX.
    func sizes(batch: Int) -> [Int] { axes.map { size($0, batch: batch) } }

    /// The same with axes of one element named for what is missing, in the order channel, height, width.
    var named: ImageValue {
        var missing = [Axis.channel, .height, .width].filter { !axes.contains($0) }
        var value = self
        for index in axes.indices where axes[index] == .unit && !missing.isEmpty {
            value.axes[index] = missing.removeFirst()
        }
        return value
    }
}

/// What is known of a value. Many operators of ONNX make one operation of the model: what could still become part
/// of the next one waits here, and becomes a node when something needs it as it is.
enum ValueForm {
    /// A value of the model: real, integer, byte or signed byte.
    case stored(Name, ElementType)
    /// Sums of a binary layer, with its scale and its bias as far as they came.
    case sums(BinarySums)
    /// Sums of signed bytes, likewise.
    case bytes(ByteSums)
    /// A product of a real or integer value, and then a sum, each with one number or one a channel.
    case affine(base: Int, scale: [Float], shift: [Float]?)
    /// A product with one number, rounded: what `quantize` limits to signed bytes.
    case rounded(base: Int, rate: Float)
    /// A value and another one, negative already: their sum.
    case difference(of: Int, and: Int)
    /// Truth values: for which numbers of `base` they are true, one interval or one a channel.
    case mask([ChannelInterval], base: Int)
    /// Truth values as bits of the model.
    case storedMask(Name, ElementType)
    /// One of two numbers by a truth value, each one number or one a channel.
    case levels(mask: Int, high: [Float], low: [Float])
    /// One of three numbers by the sign of `base`: what ONNX's `Sign` gives.
    case steps(base: Int, below: [Float], at: [Float], above: [Float])
}

/// A layer of 1-bit weights that reads bits.
struct BinarySums {
    let bits: Name
    /// Nil: fully connected.
    let window: Window?
    let padding: PaddingValue
    let groups: Int
    let inputs: Int
    /// The packed weights, stored already.
    let weight: Name
    var scale: [Float]?
    var bias: [Float]?
}

/// A layer of 8-bit weights that reads signed bytes.
struct ByteSums {
    let input: Name
    /// Nil: fully connected.
    let window: Window?
    let groups: Int
    let shape: [Int]
    var weights: [Int]
    var scale: [Float]?
    var bias: [Float]?
}
