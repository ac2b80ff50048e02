import BONNModelFormat

// Layers with weights; a fully connected one has a 1x1 kernel.
extension OpenVINOLowering {
    /// Adds a convolution or a fully connected layer.
    ///
    /// - Parameter isCompiled: whether it becomes a `BinaryConvolution`, whose input x is 0 and 1.
    mutating func add(
        _ layer: ExportedLayer, _ node: Node, _ x: Value, isCompiled: Bool
    ) throws(InteropError) -> Value {
        if layer.sumsBytes {
            let sums = try byteSums(node, layer, x)
            return try affine(node, sums, layer.sumScale!, layer.bias)
        }
        try graph.room.reserve(layer.count, of: node.name)
        guard layer.isBinary else {
            let weights = real(node, layer)
            guard let bias = layer.bias else {
                return convolution(node, layer, x, weights, isLast: true)
            }
            let sums = convolution(node, layer, x, weights)
            let terms = try constant(node, "bias", bias, [1, bias.count, 1, 1])
            return last("Add", [sums, terms], node, Self.broadcast)
        }
        let sums = isCompiled ? compiled(node, layer, x) : try signSums(node, layer, x)
        guard let scale = layer.sumScale else {
            return last("Round", version: "opset5", [sums], node, ["mode": "half_to_even"])
        }
        return try affine(node, round(sums, node), scale, layer.bias)
    }

    private mutating func compiled(_ node: Node, _ layer: ExportedLayer, _ x: Value) -> Value {
        binaryLayers += 1
        let weights = graph.bits("\(node.name.text).weight", layer.numbers(), layer.shape)
        let outside = layer.padding == .zero ? "0" : layer.padding == .plusOne ? "1" : "-1"
        return step(
            "BinaryConvolution", [x, weights], node, "conv",
            [
                "strides": Self.strides(layer.window),
                "pads_begin": Self.padsBegin(layer.window),
                "pads_end": Self.padsEnd(layer.window), "dilations": Self.dilations(layer),
                "mode": "xnor-popcount", "pad_value": outside, "auto_pad": "explicit",
            ], shape: Self.shape(types[node.name]!.shape))
    }

    /// Sums of signs by a convolution of float32 numbers.
    private mutating func signSums(
        _ node: Node, _ layer: ExportedLayer, _ x: Value
    ) throws(InteropError) -> Value {
        let weights = real(node, layer)
        guard layer.padding != .zero, layer.pads.contains(where: { $0 > 0 }) else {
            return convolution(node, layer, x, weights)
        }
        let begin = [0, 0] + layer.pads.prefix(2)
        let end = [0, 0] + layer.pads.suffix(2)
        let value = try constant(node, "padding", [layer.padding == .plusOne ? 1 : -1], [])
        let padded = step(
            "Pad",
            [
                x, graph.constant("\(node.name.text).begin", begin),
                graph.constant("\(node.name.text).end", end), value,
            ], node, "padded", ["pad_mode": "constant"],
            shape: zip(x.shape, zip(begin, end)).map { $0 + $1.0 + $1.1 })
        return convolution(node, layer, padded, weights, isPadded: false)
    }

    /// Sums of signed bytes, which float32 must hold.
    private mutating func byteSums(
        _ node: Node, _ layer: ExportedLayer, _ x: Value
    ) throws(InteropError) -> Value {
        guard ONNXLowering.parts(layer.bytes, outputs: layer.shape[0]).count == 1 else {
            throw InteropError(
                .unsupported,
                "node '\(printable(node.name.text, limit: 60))': its sums of signed bytes may exceed 2^24, "
                    + "which float32 does not hold; export as ONNX, or with float32 weights")
        }
        try graph.room.reserve(layer.count, of: node.name)
        return round(convolution(node, layer, x, real(node, layer)), node)
    }

    /// The weights of a real convolution, those of a group side by side.
    private mutating func real(_ node: Node, _ layer: ExportedLayer) -> Value {
        var shape = layer.shape
        var numbers = layer.numbers()
        if Self.isWidened(layer) {
            shape[3] += 1
            numbers = numbers.flatMap { [$0, 0] }
        }
        if layer.groups > 1 {
            shape = [layer.groups, shape[0] / layer.groups] + shape.dropFirst()
        }
        return graph.constant("\(node.name.text).weight", numbers, shape)
    }

    /// Whether a 1x1 kernel is written with a second column of zeros: OpenVINO moves the strides of 1x1 kernels
    /// into the layers in front and loses the padding between them.
    private static func isWidened(_ layer: ExportedLayer) -> Bool {
        let window = layer.window
        return window.height * window.width == 1 && window.strideHeight * window.strideWidth > 1
            && layer.pads.contains { $0 > 0 }
    }

    private mutating func convolution(
        _ node: Node, _ layer: ExportedLayer, _ x: Value, _ weights: Value, isPadded: Bool = true,
        isLast: Bool = false
    ) -> Value {
        let pads = isPadded ? layer.pads : [0, 0, 0, 0]
        // The column of zeros reads dilation columns further.
        let further = Self.isWidened(layer) ? layer.window.dilationWidth : 0
        let attributes: KeyValuePairs = [
            "strides": Self.strides(layer.window),
            "pads_begin": OpenVINOGraph.list([pads[0], pads[1]]),
            "pads_end": OpenVINOGraph.list([pads[2], pads[3] + further]),
            "dilations": Self.dilations(layer), "auto_pad": "explicit",
        ]
        let type = layer.groups == 1 ? "Convolution" : "GroupConvolution"
        return isLast
            ? last(type, [x, weights], node, attributes)
            : step(
                type, [x, weights], node, "conv", attributes,
                shape: Self.shape(types[node.name]!.shape))
    }

    private static func dilations(_ layer: ExportedLayer) -> String {
        OpenVINOGraph.list([layer.window.dilationHeight, layer.window.dilationWidth])
    }
}
