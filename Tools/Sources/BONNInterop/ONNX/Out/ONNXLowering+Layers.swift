import BONNModelFormat

// Layers with weights, all as `Conv`; a fully connected one has a 1x1 kernel.
extension ONNXLowering {
    /// Adds a convolution or a fully connected layer.
    mutating func addLayer(_ node: Node, _ x: String, _ output: String) throws(InteropError) {
        let input = types[node.inputs[0]]!
        switch node.operation {
        case .convolution(let layer):
            let kernel = Kernel(layer.window, layer.groups, input, tensor(layer.weight))
            try addReal(node, kernel, layer.weight, layer.weightScale, layer.bias, x, output)
        case .linear(let layer):
            let kernel = Kernel(Window(1), 1, input, tensor(layer.weight))
            try addReal(node, kernel, layer.weight, layer.weightScale, layer.bias, x, output)
        case .binaryConvolution(let layer):
            var kernel = Kernel(layer.window, layer.groups, input, tensor(layer.weight))
            var x = x
            let pads = Self.pads(layer.window)
            if layer.paddingValue != .zero, pads.contains(where: { $0 > 0 }) {
                let sides = graph.constant(
                    "\(node.name.text).pads", [0, 0] + pads.prefix(2) + [0, 0] + pads.suffix(2))
                let value = try constant(
                    node, "padding", [layer.paddingValue == .plusOne ? 1 : -1], [])
                x = step("Pad", [x, sides, value], node, "padded")
                kernel.isPadded = false
            }
            try addBinary(node, kernel, layer.weight, layer.scale, layer.bias, x, output)
        case .binaryLinear(let layer):
            let kernel = Kernel(Window(1), 1, input, tensor(layer.weight))
            try addBinary(node, kernel, layer.weight, layer.scale, layer.bias, x, output)
        default: preconditionFailure("\(node.operation.name) has no weights")
        }
    }

    /// How a `Conv` reads its input.
    private struct Kernel {
        let window: Window
        let groups: Int
        /// Whether `Conv` pads, with zeros.
        var isPadded = true
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

        var attributes: KeyValuePairs<String, ONNXGraph.Attribute> {
            [
                "kernel_shape": .ints([window.height, window.width]),
                "strides": .ints([window.strideHeight, window.strideWidth]),
                "pads": .ints(isPadded ? ONNXLowering.pads(window) : [0, 0, 0, 0]),
                "dilations": .ints([window.dilationHeight, window.dilationWidth]),
                "group": .int(groups),
            ]
        }
    }

    private mutating func addBinary(
        _ node: Node, _ kernel: Kernel, _ weight: Name, _ scale: Name?, _ bias: Name?, _ x: String,
        _ output: String
    ) throws(InteropError) {
        try graph.reserve(kernel.count, of: node.name)
        let weights = graph.constant(
            "\(node.name.text).weight", signs(weight, kernel), kernel.shape)
        let sums = step("Conv", [x, weights], node, "conv", kernel.attributes)
        guard let scale else { return graph.add("Round", [sums], output: output) }
        let exact = step("Round", [sums], node, "sums")
        try affine(node, exact, floats(scale), bias.map(floats), output)
    }

    private mutating func addReal(
        _ node: Node, _ kernel: Kernel, _ weight: Name, _ scale: Name?, _ bias: Name?, _ x: String,
        _ output: String
    ) throws(InteropError) {
        guard kernel.inputElement != .signedByte else {
            let sums = try byteSums(node, kernel, tensor(weight).int8s(), x)
            return try affine(node, sums, floats(scale!), bias.map(floats), output)
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
        var inputs = [x, graph.constant("\(node.name.text).weight", numbers, kernel.shape)]
        if let bias = bias.map(floats) {
            inputs.append(try constant(node, "bias", bias, [bias.count]))
        }
        graph.add("Conv", inputs, kernel.attributes, output: output)
    }

    private func signs(_ weight: Name, _ kernel: Kernel) -> [Float] {
        BitLayout.unpackKernels(
            tensor(weight).words(), outputs: kernel.shape[0], channels: kernel.shape[1],
            height: kernel.shape[2], width: kernel.shape[3])
    }

    /// Sums of signed bytes. Float32 holds them up to 2^24; larger ones are made of parts that are smaller,
    /// each a `Conv` with the other weights zero, and added as 32-bit integers.
    private mutating func byteSums(
        _ node: Node, _ kernel: Kernel, _ weights: [Int8], _ x: String
    ) throws(InteropError) -> String {
        let parts = Self.parts(weights, outputs: kernel.shape[0])
        var total: String?
        for (number, part) in parts.enumerated() {
            try graph.reserve(kernel.count, of: node.name)
            let numbers = weights.enumerated().map { index, weight in
                part.contains(index % kernel.terms) ? Float(weight) : 0
            }
            let values = graph.constant("\(node.name.text).weight", numbers, kernel.shape)
            let sums = step("Conv", [x, values], node, "conv", kernel.attributes)
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
