import BONNModelFormat

// Layers with weights, all as `Conv`; a fully connected one has a 1x1 kernel.
extension ONNXLowering {
    /// Adds a convolution or a fully connected layer.
    mutating func add(
        _ layer: ExportedLayer, _ node: Node, _ x: String, _ output: String
    ) throws(InteropError) {
        if layer.sumsBytes {
            let sums = try byteSums(node, layer, x)
            return try affine(node, sums, layer.sumScale!, layer.bias, output)
        }
        guard layer.isBinary else { return try addReal(layer, node, x, output) }
        var x = x
        var pads = layer.pads
        if layer.padding != .zero, pads.contains(where: { $0 > 0 }) {
            let sides = graph.constant(
                "\(node.name.text).pads", [0, 0] + pads.prefix(2) + [0, 0] + pads.suffix(2))
            let value = try constant(node, "padding", [layer.padding == .plusOne ? 1 : -1], [])
            x = step("Pad", [x, sides, value], node, "padded")
            pads = [0, 0, 0, 0]
        }
        try graph.room.reserve(layer.count, of: node.name)
        let weights = graph.constant("\(node.name.text).weight", layer.numbers(), layer.shape)
        let sums = step("Conv", [x, weights], node, "conv", Self.attributes(layer, pads: pads))
        guard let scale = layer.sumScale else {
            return graph.add("Round", [sums], output: output)
        }
        let exact = step("Round", [sums], node, "sums")
        try affine(node, exact, scale, layer.bias, output)
    }

    private mutating func addReal(
        _ layer: ExportedLayer, _ node: Node, _ x: String, _ output: String
    ) throws(InteropError) {
        try graph.room.reserve(layer.count, of: node.name)
        var inputs = [
            x, graph.constant("\(node.name.text).weight", layer.numbers(), layer.shape),
        ]
        if let bias = layer.bias {
            inputs.append(try constant(node, "bias", bias, [bias.count]))
        }
        graph.add("Conv", inputs, Self.attributes(layer, pads: layer.pads), output: output)
    }

    private static func attributes(
        _ layer: ExportedLayer, pads: [Int]
    ) -> KeyValuePairs<String, ONNXGraph.Attribute> {
        let window = layer.window
        return [
            "kernel_shape": .ints([window.height, window.width]),
            "strides": .ints([window.strideHeight, window.strideWidth]), "pads": .ints(pads),
            "dilations": .ints([window.dilationHeight, window.dilationWidth]),
            "group": .int(layer.groups),
        ]
    }

    /// Sums of signed bytes. Float32 holds them up to 2^24; larger ones are made of parts that are smaller,
    /// each a `Conv` with the other weights zero, and added as 32-bit integers.
    private mutating func byteSums(
        _ node: Node, _ layer: ExportedLayer, _ x: String
    ) throws(InteropError) -> String {
        let weights = layer.bytes
        let parts = Self.parts(weights, outputs: layer.shape[0])
        var total: String?
        for (number, part) in parts.enumerated() {
            try graph.room.reserve(layer.count, of: node.name)
            let numbers = weights.enumerated().map { index, weight in
                part.contains(index % layer.terms) ? Float(weight) : 0
            }
            let values = graph.constant("\(node.name.text).weight", numbers, layer.shape)
            let sums = step(
                "Conv", [x, values], node, "conv",
                Self.attributes(layer, pads: layer.pads))
            let exact = step("Round", [sums], node, "sums")
            guard parts.count > 1 else { return exact }
            let integers = step("Cast", [exact], node, "part\(number)", ["to": .int(6)])
            total = total.map { step("Add", [$0, integers], node, "total") } ?? integers
        }
        return step("Cast", [total!], node, "sum", ["to": .int(1)])
    }

    /// Ranges of the terms of an output whose sums float32 holds, whatever the input.
    static func parts(_ weights: [Int8], outputs: Int) -> [Range<Int>] {
        let terms = weights.count / outputs
        var sizes = [Int](repeating: 0, count: outputs)
        var parts: [Range<Int>] = []
        var start = 0
        for term in 0..<terms {
            func size(_ output: Int) -> Int { 127 * abs(Int(weights[output * terms + term])) }
            if (0..<outputs).contains(where: { sizes[$0] + size($0) > 1 << 24 }) {
                parts.append(start..<term)
                start = term
                sizes = [Int](repeating: 0, count: outputs)
            }
            for output in 0..<outputs { sizes[output] += size(output) }
        }
        return parts + [start..<terms]
    }
}
