import BONNModelFormat

/// Turns the nodes of a model into those of ONNX, one after the other.
struct ONNXLowering {
    /// What was made so far.
    var graph: ONNXGraph
    private let file: ModelFile
    let types: [Name: ValueType]
    /// What the values of the model are called in ONNX.
    private var values: [Name: String] = [:]
    private var outputName: String

    /// Begins with the input.
    init(_ file: ModelFile, _ types: [Name: ValueType], maximumConstantBytes: Int) {
        self.file = file
        self.types = types
        let model = file.metadata.graph
        graph = ONNXGraph(names: types.keys, maximumBytes: maximumConstantBytes)
        let input = model.input.name
        values[input] = input.text
        outputName = model.output.text
        if model.output == input { outputName = graph.names.unique("\(input.text).logits") }
        if model.input.element == .byte {
            let real = graph.names.unique("\(input.text).float")
            graph.add("Cast", [input.text], ["to": .int(1)], output: real)
            values[input] = real
        }
        if model.output != input {
            // The model's name is that of the logits [N, K].
            values[model.output] = graph.names.unique("\(model.output.text).nchw")
        }
    }

    /// Adds a node of the model.
    mutating func add(_ node: Node) throws(InteropError) {
        let output = values[node.name] ?? node.name.text
        values[node.name] = output
        let x = node.inputs.map { values[$0]! }
        let shape = types[node.name]!.shape
        switch node.operation {
        case .convolution, .binaryConvolution, .linear, .binaryLinear:
            let layer = ExportedLayer(node, types[node.inputs[0]]!, file.tensors)!
            try add(layer, node, x[0], output)
        case .batchNorm(let norm):
            try affine(node, x[0], floats(norm.scale), floats(norm.shift), output)
        case .threshold(let threshold): try add(threshold, node, x[0], output)
        case .quantize(let quantize):
            let rate = try constant(node, "inverse_scale", floats(quantize.inverseScale), [])
            let scaled = step("Mul", [x[0], rate], node, "scaled")
            let rounded = step("Round", [scaled], node, "rounded")
            try clip(node, rounded, -127, 127, output)
        case .maxPool(let pool):
            graph.add("MaxPool", x, Self.window(pool.window), output: output)
        case .averagePool(let pool):
            let window = pool.window
            graph.add(
                "AveragePool", x,
                [
                    "kernel_shape": .ints([window.height, window.width]),
                    "strides": .ints([window.strideHeight, window.strideWidth]),
                    "pads": .ints(Self.pads(window)),
                    "count_include_pad": .int(pool.countsPadding ? 1 : 0),
                ], output: output)
        case .globalAveragePool: graph.add("GlobalAveragePool", x, output: output)
        case .relu: graph.add("Relu", x, output: output)
        case .prelu(let prelu):
            let slope = floats(prelu.slope)
            let numbers = try constant(node, "slope", slope, [slope.count, 1, 1])
            graph.add("PRelu", [x[0], numbers], output: output)
        case .hardtanh: try clip(node, x[0], -1, 1, output)
        case .sigmoid: graph.add("Sigmoid", x, output: output)
        case .add: graph.add("Add", x, output: output)
        case .multiply: graph.add("Mul", x, output: output)
        case .concatenate: graph.add("Concat", x, ["axis": .int(1)], output: output)
        case .flatten:
            let rows = graph.constant("\(node.name.text).shape", [-1, shape.channels, 1, 1])
            graph.add("Reshape", [x[0], rows], output: output)
        }
        graph.describe(output, [shape.channels, shape.height, shape.width])
    }

    /// Ends with the logits `[N, K]`.
    mutating func finish() -> ONNXGraph.Port {
        let output = file.metadata.graph.output
        let type = types[output]!
        let isInteger = type.element == .integer
        let flat = isInteger ? graph.names.unique("\(outputName).flat") : outputName
        graph.add("Flatten", [values[output]!], ["axis": .int(1)], output: flat)
        if isInteger { graph.add("Cast", [flat], ["to": .int(6)], output: outputName) }
        return (outputName, isInteger ? .int32 : .float, [type.shape.channels])
    }

    // MARK: Thresholds

    private mutating func add(
        _ threshold: Threshold, _ node: Node, _ x: String, _ output: String
    ) throws(InteropError) {
        let bounds = ExportedThreshold(threshold, file.tensors)
        let shape = [1, bounds.numbers.count, 1, 1]
        let least = try constant(node, "lower", bounds.lower, shape)
        var isHigh = step("GreaterOrEqual", [x, least], node, "above")
        if let upper = bounds.upper {
            let most = try constant(node, "upper", upper, shape)
            let below = step("LessOrEqual", [x, most], node, "below")
            isHigh = step("And", [isHigh, below], node, "inside")
        }
        if let always = bounds.always {
            let mask = graph.constant("\(node.name.text).always", always, shape)
            isHigh = step("Or", [isHigh, mask], node, "high")
        }
        let high = try constant(node, "one", [1], [])
        let low = try constant(node, "low", [threshold.levels == .signedBits ? -1 : 0], [])
        graph.add("Where", [isHigh, high, low], output: output)
    }

    // MARK: Parts

    /// Adds a node whose result only this operation reads.
    mutating func step(
        _ operation: String, _ inputs: [String], _ node: Node, _ suffix: String,
        _ attributes: KeyValuePairs<String, ONNXGraph.Attribute> = [:]
    ) -> String {
        let name = graph.names.unique("\(node.name.text).\(suffix)")
        graph.add(operation, inputs, attributes, output: name)
        return name
    }

    /// Adds numbers of an operation.
    mutating func constant(
        _ node: Node, _ suffix: String, _ numbers: [Float], _ shape: [Int]
    ) throws(InteropError) -> String {
        try graph.room.reserve(numbers.count, of: node.name)
        return graph.constant("\(node.name.text).\(suffix)", numbers, shape)
    }

    /// A product and a sum, each with one number or one a channel.
    mutating func affine(
        _ node: Node, _ x: String, _ scale: [Float], _ shift: [Float]?, _ output: String
    ) throws(InteropError) {
        let factors = try constant(node, "scale", scale, [1, scale.count, 1, 1])
        guard let shift else { return graph.add("Mul", [x, factors], output: output) }
        let product = step("Mul", [x, factors], node, "scaled")
        let terms = try constant(node, "shift", shift, [1, shift.count, 1, 1])
        graph.add("Add", [product, terms], output: output)
    }

    private mutating func clip(
        _ node: Node, _ x: String, _ low: Float, _ high: Float, _ output: String
    ) throws(InteropError) {
        let least = try constant(node, "least", [low], [])
        let most = try constant(node, "most", [high], [])
        graph.add("Clip", [x, least, most], output: output)
    }

    /// A tensor of float32 numbers.
    func floats(_ name: Name) -> [Float] { file.tensors[name]!.floats() }

    /// Top, left, bottom, right.
    static func pads(_ window: Window) -> [Int] {
        [window.padTop, window.padLeft, window.padBottom, window.padRight]
    }

    private static func window(
        _ window: Window
    ) -> KeyValuePairs<String, ONNXGraph.Attribute> {
        [
            "kernel_shape": .ints([window.height, window.width]),
            "strides": .ints([window.strideHeight, window.strideWidth]),
            "pads": .ints(pads(window)),
        ]
    }
}
