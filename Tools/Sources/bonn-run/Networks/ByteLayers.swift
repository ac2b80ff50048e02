import BONNModelFormat

/// Layers whose weights are signed bytes.
extension NetworkBuilder {
    /// Signed bytes, of which 127 stands for `limit`.
    mutating func quantize(_ x: Name, _ name: Name, limit: Float) -> Name {
        let scale = tensor("\(name).inverse_scale", ModelTensor(f32: [127 / limit], shape: [1]))
        return add(name, .quantize(Quantize(inverseScale: scale)), [x], shape(x))
    }

    /// A convolution without bias, of signed bytes or of real numbers.
    mutating func byteConvolution(
        _ x: Name, _ name: Name, outputs: Int, window: Window
    ) throws -> Name {
        let inputs = shape(x).channels
        let layer = Convolution(
            window: window,
            weight: bytes("\(name).weight", [outputs, inputs, window.height, window.width]),
            weightScale: scales(
                name, outputs: outputs, inputs: inputs * window.height * window.width))
        return add(name, .convolution(layer), [x], try windowed(x, window, channels: outputs))
    }

    /// The mean of each channel and a fully connected layer with bias, of signed bytes.
    mutating func byteHead(_ x: Name, classes: Int) -> Name {
        let means = quantize(globalAveragePool(x, "pool"), "head.input", limit: 4)
        let inputs = shape(means).channels
        let layer = Linear(
            weight: bytes("head.weight", [classes, inputs]),
            weightScale: scales("head", outputs: classes, inputs: inputs),
            bias: reals("head.bias", [classes], around: 0, by: 0.1))
        return add("head", .linear(layer), [means], Shape(classes, 1, 1))
    }

    private mutating func bytes(_ name: Name, _ shape: [Int]) -> Name {
        let values = (0..<shape.reduce(1, *)).map { _ in Int8(integer(below: 255) - 127) }
        return tensor(name, ModelTensor(i8: values, shape: shape))
    }

    /// Scales that keep the outputs at about the size of the inputs.
    private mutating func scales(_ name: Name, outputs: Int, inputs: Int) -> Name {
        let scale = 1 / (127 * (Double(inputs) / 3).squareRoot())
        return reals("\(name).scale", [outputs], around: scale, by: scale / 4)
    }
}
