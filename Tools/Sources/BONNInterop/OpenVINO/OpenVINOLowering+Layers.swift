import BONNModelFormat

// Layers with weights; a fully connected one has a 1x1 kernel.
extension OpenVINOLowering {
    /// Adds a convolution or a fully connected layer.
    ///
    /// - Parameter isCompiled: whether it becomes a `BinaryConvolution`, whose input x is 0 and 1.
    mutating func addLayer(_ node: Node, _ x: Value, isCompiled: Bool) throws(InteropError) -> Value
    {
        let input = types[node.inputs[0]]!
        switch node.operation {
        case .convolution(let layer):
            let kernel = Kernel(layer.window, layer.groups, input, tensor(layer.weight))
            return try addReal(node, kernel, layer.weight, layer.weightScale, layer.bias, x)
        case .linear(let layer):
            let kernel = Kernel(Window(1), 1, input, tensor(layer.weight))
            return try addReal(node, kernel, layer.weight, layer.weightScale, layer.bias, x)
        case .binaryConvolution(let layer):
            let kernel = Kernel(layer.window, layer.groups, input, tensor(layer.weight))
            return try addBinary(
                node, kernel, layer.weight, layer.scale, layer.bias, layer.paddingValue, x,
                isCompiled: isCompiled)
        case .binaryLinear(let layer):
            let kernel = Kernel(Window(1), 1, input, tensor(layer.weight))
            return try addBinary(
                node, kernel, layer.weight, layer.scale, layer.bias, .zero, x,
                isCompiled: isCompiled)
        default: preconditionFailure("\(node.operation.name) has no weights")
        }
    }

    /// How a convolution reads its input.
    private struct Kernel {
        let window: Window
        let groups: Int
        let inputElement: ElementType
        /// `[K, C / groups, kh, kw]`.
        let shape: [Int]

        init(_ window: Window, _ groups: Int, _ input: ValueType, _ weight: ModelTensor) {
            self.window = window
            self.groups = groups
            inputElement = input.element
            shape = [
                weight.shape[0], input.shape.channels / groups, window.height, window.width,
            ]
        }

        var count: Int { shape.reduce(1, *) }
        /// Products that one output sums.
        var terms: Int { shape.dropFirst().reduce(1, *) }

        /// A real kernel as OpenVINO gets it, the weights of a group side by side.
        var realShape: [Int] {
            let shape = Array(shape.dropLast()) + [shape[3] + (isWidened ? 1 : 0)]
            return groups == 1 ? shape : [groups, shape[0] / groups] + shape.dropFirst()
        }

        /// Whether a 1x1 kernel is written with a second column of zeros: OpenVINO moves the strides of 1x1 kernels
        /// into the layers in front and loses the padding between them.
        var isWidened: Bool {
            window.height * window.width == 1 && window.strideHeight * window.strideWidth > 1
                && [window.padTop, window.padBottom, window.padLeft, window.padRight] != [
                    0, 0, 0, 0,
                ]
        }
    }

    private mutating func addBinary(
        _ node: Node, _ kernel: Kernel, _ weight: Name, _ scale: Name?, _ bias: Name?,
        _ padding: PaddingValue, _ x: Value, isCompiled: Bool
    ) throws(InteropError) -> Value {
        try graph.reserve(kernel.count, of: node.name)
        let number = padding == .zero ? "0" : padding == .plusOne ? "1" : "-1"
        let sums: Value
        if isCompiled {
            let weights = graph.bits(
                "\(node.name.text).weight", signs(weight, kernel), kernel.shape)
            sums = step(
                "BinaryConvolution", [x, weights], node, "conv",
                [
                    "strides": Self.strides(kernel.window),
                    "pads_begin": Self.padsBegin(kernel.window),
                    "pads_end": Self.padsEnd(kernel.window), "dilations": dilations(kernel),
                    "mode": "xnor-popcount", "pad_value": number, "auto_pad": "explicit",
                ], shape: Self.shape(types[node.name]!.shape))
            binaryLayers += 1
        } else {
            let weights = real(node, kernel, signs(weight, kernel))
            let window = kernel.window
            let begin = [0, 0, window.padTop, window.padLeft]
            let end = [0, 0, window.padBottom, window.padRight]
            if padding != .zero, (begin + end).contains(where: { $0 > 0 }) {
                let value = try constant(node, "padding", [padding == .plusOne ? 1 : -1], [])
                let padded = step(
                    "Pad",
                    [
                        x, graph.constant("\(node.name.text).begin", begin),
                        graph.constant("\(node.name.text).end", end), value,
                    ], node, "padded", ["pad_mode": "constant"],
                    shape: zip(x.shape, zip(begin, end)).map { $0 + $1.0 + $1.1 })
                sums = convolution(node, kernel, padded, weights, isPadded: false)
            } else {
                sums = convolution(node, kernel, x, weights)
            }
        }
        guard let scale else {
            return last("Round", version: "opset5", [sums], node, ["mode": "half_to_even"])
        }
        return try affine(node, round(sums, node), floats(scale), bias.map(floats))
    }

    private mutating func addReal(
        _ node: Node, _ kernel: Kernel, _ weight: Name, _ scale: Name?, _ bias: Name?, _ x: Value
    ) throws(InteropError) -> Value {
        guard kernel.inputElement != .signedByte else {
            let sums = try byteSums(node, kernel, tensor(weight).int8s(), x)
            return try affine(node, sums, floats(scale!), bias.map(floats))
        }
        try graph.reserve(kernel.count, of: node.name)
        var numbers: [Float]
        switch tensor(weight).elementType {
        case .u64: numbers = signs(weight, kernel)
        case .i8: numbers = tensor(weight).int8s().map(Float.init)
        default: numbers = floats(weight)
        }
        if let scale = scale.map(floats) {
            for index in numbers.indices {
                numbers[index] *= scale[scale.count == 1 ? 0 : index / kernel.terms]
            }
        }
        let weights = real(node, kernel, numbers)
        guard let bias = bias.map(floats) else {
            return convolution(node, kernel, x, weights, isLast: true)
        }
        let sums = convolution(node, kernel, x, weights)
        let terms = try constant(node, "bias", bias, [1, bias.count, 1, 1])
        return last("Add", [sums, terms], node, Self.broadcast)
    }

    private mutating func convolution(
        _ node: Node, _ kernel: Kernel, _ x: Value, _ weights: Value, isPadded: Bool = true,
        isLast: Bool = false
    ) -> Value {
        let type = kernel.groups == 1 ? "Convolution" : "GroupConvolution"
        let window = kernel.window
        let begin = isPadded ? [window.padTop, window.padLeft] : [0, 0]
        var end = isPadded ? [window.padBottom, window.padRight] : [0, 0]
        // The column of zeros reads dilation columns further.
        if kernel.isWidened { end[1] += window.dilationWidth }
        let attributes: KeyValuePairs = [
            "strides": Self.strides(window), "pads_begin": OpenVINOGraph.list(begin),
            "pads_end": OpenVINOGraph.list(end),
            "dilations": dilations(kernel), "auto_pad": "explicit",
        ]
        return isLast
            ? last(type, [x, weights], node, attributes)
            : step(
                type, [x, weights], node, "conv", attributes,
                shape: Self.shape(types[node.name]!.shape))
    }

    private mutating func real(_ node: Node, _ kernel: Kernel, _ numbers: [Float]) -> Value {
        let columns = kernel.isWidened ? numbers.flatMap { [$0, 0] } : numbers
        return graph.constant("\(node.name.text).weight", columns, kernel.realShape)
    }

    private func dilations(_ kernel: Kernel) -> String {
        OpenVINOGraph.list([kernel.window.dilationHeight, kernel.window.dilationWidth])
    }

    private func signs(_ weight: Name, _ kernel: Kernel) -> [Float] {
        BitLayout.unpackKernels(
            tensor(weight).words(), outputs: kernel.shape[0], channels: kernel.shape[1],
            height: kernel.shape[2], width: kernel.shape[3])
    }

    /// Sums of signed bytes, which float32 must hold.
    private mutating func byteSums(
        _ node: Node, _ kernel: Kernel, _ weights: [Int8], _ x: Value
    ) throws(InteropError) -> Value {
        guard ONNXLowering.parts(weights, outputs: kernel.shape[0]).count == 1 else {
            throw InteropError(
                .unsupported,
                "node '\(printable(node.name.text, limit: 60))': its sums of signed bytes may exceed 2^24, "
                    + "which float32 does not hold; export as ONNX, or with float32 weights")
        }
        try graph.reserve(kernel.count, of: node.name)
        let numbers = real(node, kernel, weights.map(Float.init))
        return round(convolution(node, kernel, x, numbers), node)
    }
}
