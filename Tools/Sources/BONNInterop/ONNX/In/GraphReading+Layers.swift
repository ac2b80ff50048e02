import BONNModelFormat

// Layers with weights.
extension GraphReading {
    /// The weights of a layer as ONNX has them.
    private struct Layer {
        /// `[K, C / groups, kh, kw]` or `[K, C]`.
        let shape: [Int]
        var weights: [Float]
        /// Nil: fully connected.
        var window: Window?
        var groups = 1
        var bias: [Float]?

        /// Products that one output sums.
        var terms: Int { shape.dropFirst().reduce(1, *) }

        /// The one size of the weights of each output; nil where an output has several.
        var magnitudes: [Float]? {
            guard terms > 0 else { return nil }
            var sizes: [Float] = []
            for start in stride(from: 0, to: weights.count, by: terms) {
                let size = abs(weights[start])
                guard size.isFinite,
                    weights[start..<start + terms].allSatisfy({ abs($0) == size })
                else { return nil }
                sizes.append(size)
            }
            return sizes
        }
    }

    /// `Conv`.
    mutating func convolution(_ node: ONNXNode) throws(InteropError) {
        let x = try planes(node, 0)
        let weight = try numbers(node, 1, "weights")
        guard weight.shape.count == 4 else {
            throw node.fail(
                .unsupported,
                "expected weights [K, C, height, width], found the shape \(weight.shape)")
        }
        let kernel = Array(weight.shape.suffix(2))
        guard kernel == node.ints("kernel_shape") ?? kernel else {
            throw node.fail(
                .malformed,
                "expected the kernel \(kernel) of the weights, found \(node.ints("kernel_shape") ?? [])"
            )
        }
        let groups = node.int("group") ?? 1
        guard groups > 0, weight.shape[1] > 0, weight.shape[0] > 0,
            x.shape.channels % groups == 0, x.shape.channels / groups == weight.shape[1],
            weight.shape[0] % groups == 0
        else {
            throw node.fail(
                .malformed,
                "expected weights of \(x.shape.channels) channels in \(groups) groups, found the shape "
                    + "\(weight.shape)")
        }
        let outputs = weight.shape[0]
        let window = try window(node, kernel, of: padded(x))
        try graph.reserve(2 * weight.count, node.place)
        try add(
            Layer(
                shape: weight.shape, weights: weight.numbers, window: window, groups: groups,
                bias: try bias(node, outputs)), x, node)
    }

    private mutating func bias(_ node: ONNXNode, _ outputs: Int) throws(InteropError) -> [Float]? {
        guard let bias = try constant(node, 2, "a bias") else { return nil }
        try graph.reserve(outputs, node.place)
        guard bias.count == outputs || bias.count == 1 else {
            throw node.fail(
                .malformed, "expected a bias of \(outputs) numbers, found \(bias.count)")
        }
        return filled(bias.numbers, outputs)
    }

    /// `Gemm` and `MatMul` of a vector an image and constant weights.
    mutating func linear(_ node: ONNXNode) throws(InteropError) {
        let x = try plain(node, 0)
        let weight = try numbers(node, 1, "weights")
        let isGemm = node.operation == "Gemm"
        guard weight.shape.count == 2, x.axes.count == 2, x.axes[0] == .batch,
            x.shape.height == 1, x.shape.width == 1, node.int("transA") ?? 0 == 0,
            node.float("alpha") ?? 1 == 1, node.float("beta") ?? 1 == 1
        else {
            throw node.fail(
                .unsupported,
                "expected a value [N, C] times weights of two dimensions, neither transposed nor scaled, "
                    + "found the shapes \(x.sizes(batch: batch)) and \(weight.shape)")
        }
        let isTurned = isGemm && node.int("transB") ?? 0 != 0
        let (outputs, inputs) =
            isTurned ? (weight.shape[0], weight.shape[1]) : (weight.shape[1], weight.shape[0])
        guard inputs == x.shape.channels, outputs > 0 else {
            throw node.fail(
                .malformed,
                "expected weights of \(x.shape.channels) inputs, found the shape \(weight.shape)")
        }
        try graph.reserve(3 * weight.count, node.place)
        let numbers = weight.numbers
        var weights = [Float](repeating: 0, count: numbers.count)
        for output in 0..<outputs {
            for input in 0..<inputs {
                weights[output * inputs + (x.order?[input] ?? input)] =
                    numbers[isTurned ? output * inputs + input : input * outputs + output]
            }
        }
        var vector = x
        vector.order = nil
        try add(
            Layer(
                shape: [outputs, inputs], weights: weights,
                bias: isGemm ? try bias(node, outputs) : nil), vector, node)
    }

    /// A layer in the form that its weights and its input allow.
    private mutating func add(
        _ layer: Layer, _ x: ImageValue, _ node: ONNXNode
    ) throws(InteropError) {
        let size: (height: Int, width: Int)
        var whole = layer.window
        if let padding = x.padding {
            whole?.padTop += padding.top
            whole?.padBottom += padding.bottom
            whole?.padLeft += padding.left
            whole?.padRight += padding.right
        }
        if let whole { size = try output(of: whole, x.shape, node) } else { size = (1, 1) }
        let shape = Shape(layer.shape[0], size.height, size.width)
        if let sums = try binary(layer, whole, x, node) {
            return try define(node, .sums(sums), like: x, shape: shape)
        }
        guard x.padding == nil || x.padding?.number == 0 else {
            throw node.fail(
                .unsupported,
                "expected a padding of zeros in front of numbers, found \(x.padding?.number ?? 0), which "
                    + "model files have in front of bits and weights of one size an output alone")
        }
        if case .stored(let name, .signedByte) = entries[x.id].form {
            let sums = try bytes(layer, whole, name, node)
            return try define(node, .bytes(sums), like: x, shape: shape)
        }
        let source: Name
        if case .stored(let name, .byte) = entries[x.id].form, layer.window != nil {
            source = name
        } else {
            source = try real(x.id, node)
        }
        let made = try add(layer, whole, source, node)
        try define(node, .stored(made, .real), like: x, shape: shape)
    }

    /// A layer of real numbers. Weights of one size an output are stored as signs, which compute the same.
    private mutating func add(
        _ layer: Layer, _ window: Window?, _ source: Name, _ node: ONNXNode
    ) throws(InteropError) -> Name {
        let name = graph.unique(node.outputs.first?.text ?? "")
        let weight: Name
        var scale: Name?
        if layer.shape[1] > 2, let magnitudes = layer.magnitudes {
            weight = try graph.bits("\(name).weight", layer.weights, layer.shape, node.place)
            scale = try graph.store(
                "\(name).weight_scale", same(magnitudes).map { [$0] } ?? magnitudes, node.place)
        } else {
            weight = try graph.store(
                "\(name).weight", layer.weights, shape: layer.shape, node.place)
        }
        let bias: Name? = try layer.bias.map { (values) throws(InteropError) in
            try graph.store("\(name).bias", values, node.place)
        }
        guard let window else {
            return graph.add(
                name, .linear(Linear(weight: weight, weightScale: scale, bias: bias)), [source])
        }
        return graph.add(
            name,
            .convolution(
                Convolution(
                    window: window, groups: layer.groups, weight: weight, weightScale: scale,
                    bias: bias)), [source])
    }

    /// A layer of 1-bit weights that reads bits; nil where it is none.
    private mutating func binary(
        _ layer: Layer, _ whole: Window?, _ x: ImageValue, _ node: ONNXNode
    ) throws(InteropError) -> BinarySums? {
        guard let magnitudes = layer.magnitudes else { return nil }
        guard let operand = try operand(x.id, node) else { return nil }
        var padding = PaddingValue.zero
        if let around = x.padding, around.number != 0 {
            let isOwn =
                layer.window.map { max($0.padTop, $0.padBottom, $0.padLeft, $0.padRight) } ?? 0
            switch around.number {
            case operand.factor: padding = .plusOne
            case -operand.factor where operand.element == .signedBits: padding = .minusOne
            default: return nil
            }
            guard isOwn == 0 else {
                throw node.fail(
                    .unsupported,
                    "expected one padding, found zeros of the convolution around a Pad of "
                        + "\(around.number)")
            }
        }
        let scale = magnitudes.map { $0 * operand.factor }
        let weight = try graph.bits(
            graph.unique("\(node.outputs.first?.text ?? "").weight"), layer.weights, layer.shape,
            node.place)
        let one = same(scale)
        return BinarySums(
            bits: operand.bits, window: whole, padding: padding, groups: layer.groups,
            inputs: x.shape.channels, weight: weight,
            scale: one == 1 && layer.bias == nil ? nil : one.map { [$0] } ?? scale,
            bias: layer.bias)
    }

    /// A layer of 8-bit weights that reads signed bytes.
    private func bytes(
        _ layer: Layer, _ window: Window?, _ source: Name, _ node: ONNXNode
    ) throws(InteropError) -> ByteSums {
        guard
            let bad = layer.weights.first(where: {
                !(-128...127).contains($0) || $0 != $0.rounded()
            })
        else {
            return ByteSums(
                input: source, window: window, groups: layer.groups, shape: layer.shape,
                weights: layer.weights.map { Int($0) }, bias: layer.bias)
        }
        throw node.fail(
            .unsupported,
            "expected whole weights of -128 to 127 behind a rounding to signed bytes, found \(bad)")
    }
}
