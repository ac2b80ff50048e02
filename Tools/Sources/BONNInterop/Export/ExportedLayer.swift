import BONNModelFormat

/// A layer with weights as a convolution of float32 numbers; a fully connected one has a 1x1 kernel.
struct ExportedLayer {
    let window: Window
    let groups: Int
    /// What a binary layer reads outside of its input.
    let padding: PaddingValue
    let isBinary: Bool
    /// Whether its sums are those of signed bytes.
    let sumsBytes: Bool
    /// `[K, C / groups, kh, kw]`.
    let shape: [Int]
    /// What exact sums are multiplied by; nil for integer and for real sums.
    let sumScale: [Float]?
    /// Added at the end, or nil.
    let bias: [Float]?
    private let weight: ModelTensor
    private let weightScale: [Float]?

    /// The layer of a node, or nil for an operation without weights.
    init?(_ node: Node, _ input: ValueType, _ tensors: [Name: ModelTensor]) {
        let names: (weight: Name, scale: Name?, bias: Name?)
        switch node.operation {
        case .convolution(let layer):
            names = (layer.weight, layer.weightScale, layer.bias)
            (window, groups, padding, isBinary) = (layer.window, layer.groups, .zero, false)
        case .linear(let layer):
            names = (layer.weight, layer.weightScale, layer.bias)
            (window, groups, padding, isBinary) = (Window(1), 1, .zero, false)
        case .binaryConvolution(let layer):
            names = (layer.weight, layer.scale, layer.bias)
            (window, groups, padding, isBinary) = (
                layer.window, layer.groups, layer.paddingValue, true
            )
        case .binaryLinear(let layer):
            names = (layer.weight, layer.scale, layer.bias)
            (window, groups, padding, isBinary) = (Window(1), 1, .zero, true)
        default: return nil
        }
        weight = tensors[names.weight]!
        sumsBytes = !isBinary && input.element == .signedByte
        shape = [weight.shape[0], input.shape.channels / groups, window.height, window.width]
        let scale = names.scale.map { tensors[$0]!.floats() }
        sumScale = isBinary || sumsBytes ? scale : nil
        weightScale = isBinary || sumsBytes ? nil : scale
        bias = names.bias.map { tensors[$0]!.floats() }
    }

    /// Weights.
    var count: Int { shape.reduce(1, *) }

    /// Products that one output sums.
    var terms: Int { shape.dropFirst().reduce(1, *) }

    /// Rows above, columns on the left, rows below, columns on the right.
    var pads: [Int] {
        [window.padTop, window.padLeft, window.padBottom, window.padRight]
    }

    /// The weights of signed bytes, in the order of the shape.
    var bytes: [Int8] { weight.int8s() }

    /// What the input is multiplied by, in the order of the shape: signs of a binary layer, whole numbers of one of
    /// signed bytes.
    func numbers() -> [Float] {
        var numbers: [Float] =
            switch weight.elementType {
            case .u64:
                BitLayout.unpackKernels(
                    weight.words(), outputs: shape[0], channels: shape[1], height: shape[2],
                    width: shape[3])
            case .i8: weight.int8s().map(Float.init)
            default: weight.floats()
            }
        if let weightScale {
            for index in numbers.indices {
                numbers[index] *= weightScale[weightScale.count == 1 ? 0 : index / terms]
            }
        }
        return numbers
    }
}
