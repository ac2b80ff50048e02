import BONNModelFormat

/// Turns the nodes of a model into layers of OpenVINO, one after the other.
struct OpenVINOLowering {
    typealias Value = OpenVINOGraph.Value

    /// What was made so far.
    var graph: OpenVINOGraph
    /// How many layers are `BinaryConvolution`.
    var binaryLayers = 0
    private let file: ModelFile
    let types: [Name: ValueType]
    private let nodes: [Name: Node]
    private var values: [Name: Value] = [:]
    /// The thresholds as bits, of those that binary convolutions asked for.
    private var bits: [Name: Value] = [:]

    /// Begins with the input.
    init(_ file: ModelFile, _ types: [Name: ValueType], maximumConstantBytes: Int) {
        self.file = file
        self.types = types
        nodes = Dictionary(
            file.metadata.graph.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first }
        )
        graph = OpenVINOGraph(names: types.keys, maximumBytes: maximumConstantBytes)
        let input = file.metadata.graph.input
        let isByte = input.element == .byte
        let shape = Self.shape(input.shape)
        let source = graph.add(
            "Parameter", [],
            ["shape": OpenVINOGraph.list(shape), "element_type": isByte ? "u8" : "f32"],
            name: isByte ? graph.names.unique("\(input.name.text).bytes") : input.name.text,
            tensor: input.name.text, element: isByte ? .uint8 : .float, shape: shape)
        values[input.name] = source
        if isByte {
            values[input.name] = graph.add(
                "Convert", [source], ["destination_type": "f32"], name: input.name.text,
                shape: shape)
        }
    }

    /// Adds a node of the model.
    mutating func add(_ node: Node) throws(InteropError) {
        let x = node.inputs.map { values[$0]! }
        switch node.operation {
        case .convolution, .binaryConvolution, .linear, .binaryLinear:
            let layer = ExportedLayer(node, types[node.inputs[0]]!, file.tensors)!
            let isCompiled = isCompiled(node)
            values[node.name] = try add(
                layer, node, isCompiled ? bits(node.inputs[0], of: node) : x[0],
                isCompiled: isCompiled)
        case .batchNorm(let norm):
            values[node.name] = try affine(node, x[0], floats(norm.scale), floats(norm.shift))
        case .threshold(let threshold): values[node.name] = try add(threshold, node, x[0])
        case .quantize(let quantize):
            let rate = try constant(node, "inverse_scale", floats(quantize.inverseScale), [])
            let scaled = step("Multiply", [x[0], rate], node, "scaled", Self.broadcast)
            values[node.name] = last(
                "Clamp", [round(scaled, node)], node, ["min": "-127", "max": "127"])
        case .maxPool(let pool):
            values[node.name] = last(
                "MaxPool", x, node,
                [
                    "kernel": Self.kernel(pool.window), "strides": Self.strides(pool.window),
                    "pads_begin": Self.padsBegin(pool.window),
                    "pads_end": Self.padsEnd(pool.window),
                    "rounding_type": "floor", "auto_pad": "explicit",
                ])
        case .averagePool(let pool):
            values[node.name] = last(
                "AvgPool", x, node,
                [
                    "kernel": Self.kernel(pool.window), "strides": Self.strides(pool.window),
                    "pads_begin": Self.padsBegin(pool.window),
                    "pads_end": Self.padsEnd(pool.window),
                    "exclude-pad": pool.countsPadding ? "false" : "true",
                    "rounding_type": "floor", "auto_pad": "explicit",
                ])
        case .globalAveragePool:
            let axes = graph.constant("\(node.name.text).axes", [2, 3])
            values[node.name] = last("ReduceMean", [x[0], axes], node, ["keep_dims": "true"])
        case .relu: values[node.name] = last("ReLU", x, node)
        case .prelu(let prelu):
            let slope = floats(prelu.slope)
            let numbers = try constant(node, "slope", slope, [slope.count])
            values[node.name] = last("PReLU", [x[0], numbers], node)
        case .hardtanh: values[node.name] = last("Clamp", x, node, ["min": "-1", "max": "1"])
        case .sigmoid: values[node.name] = last("Sigmoid", x, node)
        case .add: values[node.name] = last("Add", x, node, Self.broadcast)
        case .multiply: values[node.name] = last("Multiply", x, node, Self.broadcast)
        case .concatenate: values[node.name] = last("Concat", x, node, ["axis": "1"])
        case .flatten:
            let channels = types[node.name]!.shape.channels
            let rows = graph.constant("\(node.name.text).shape", [1, channels, 1, 1])
            values[node.name] = last("Reshape", [x[0], rows], node, ["special_zero": "false"])
        }
    }

    /// Ends with the logits `[1, K]`.
    mutating func finish() {
        let model = file.metadata.graph
        let type = types[model.output]!
        let shape = [1, type.shape.channels]
        let isInteger = type.element == .integer
        let name = model.output.text
        // One name of a tensor stands once.
        let tensor = model.output == model.input.name ? graph.names.unique("\(name).output") : name
        let rows = graph.constant("\(name).shape", [1, type.shape.channels])
        var logits = graph.add(
            "Reshape", [values[model.output]!, rows], ["special_zero": "false"],
            name: graph.names.unique("\(name).flat"), tensor: isInteger ? nil : tensor, shape: shape
        )
        if isInteger {
            logits = graph.add(
                "Convert", [logits], ["destination_type": "i32"],
                name: graph.names.unique("\(name).integers"), tensor: tensor, element: .int32,
                shape: shape)
        }
        graph.result(logits, name: graph.names.unique("\(name).result"))
    }

    // MARK: Thresholds

    private mutating func add(
        _ threshold: Threshold, _ node: Node, _ x: Value
    ) throws(InteropError) -> Value {
        let bounds = ExportedThreshold(threshold, file.tensors)
        let shape = [1, bounds.numbers.count, 1, 1]
        let least = try constant(node, "lower", bounds.lower, shape)
        var isHigh = step(
            "GreaterEqual", [x, least], node, "above", Self.broadcast, element: .bool)
        if let upper = bounds.upper {
            let most = try constant(node, "upper", upper, shape)
            let below = step(
                "LessEqual", [x, most], node, "below", Self.broadcast, element: .bool)
            isHigh = step(
                "LogicalAnd", [isHigh, below], node, "inside", Self.broadcast, element: .bool)
        }
        if let always = bounds.always {
            let mask = graph.constant("\(node.name.text).always", always, shape)
            isHigh = step(
                "LogicalOr", [isHigh, mask], node, "high", Self.broadcast, element: .bool)
        }
        let high = try constant(node, "one", [1], [])
        let low = try constant(node, "low", [threshold.levels == .signedBits ? -1 : 0], [])
        return last("Select", [isHigh, high, low], node, Self.broadcast)
    }

    /// Signed bits as the 0 and 1 that `BinaryConvolution` reads, in the one form that the plugin packs to bits.
    ///
    /// `FakeQuantize` of two levels gives its low output where x <= bound and its high one elsewhere. A threshold
    /// whose directions it can express is computed by it, from the threshold's own input.
    private mutating func bits(_ name: Name, of node: Node) throws(InteropError) -> Value {
        if let value = bits[name] { return value }
        let threshold = bounds(name)
        let bounds = threshold?.bounds ?? [0]
        let isAbove = threshold?.isAbove ?? [true]
        let shape = [1, bounds.count, 1, 1]
        let bound = try constant(node, "bound", bounds, shape)
        let low = try constant(node, "low", isAbove.map { $0 ? 0 : 1 }, shape)
        let high = try constant(node, "high", isAbove.map { $0 ? 1 : 0 }, shape)
        let value = step(
            "FakeQuantize", [values[threshold?.input ?? name]!, bound, bound, low, high], node,
            "bits", ["levels": "2", "auto_broadcast": "numpy"])
        bits[name] = value
        return value
    }

    /// What the input of a threshold is compared with, and whether it is high above it; nil for a value of
    /// another operation, for a channel that is constant and for -infinity, which no number lies below.
    func bounds(_ name: Name) -> (input: Name, bounds: [Float], isAbove: [Bool])? {
        guard let node = nodes[name], case .threshold(let operation) = node.operation else {
            return nil
        }
        let threshold = ExportedThreshold(operation, file.tensors)
        // x >= t where x is above the number before t.
        let bounds = zip(threshold.directions, threshold.numbers).map {
            $0 == 1 ? $1.nextDown : $1
        }
        guard !threshold.directions.contains(0), !bounds.contains(-.infinity) else { return nil }
        return (node.inputs[0], bounds, threshold.directions.map { $0 == 1 })
    }

    // MARK: Parts

    static let broadcast: KeyValuePairs = ["auto_broadcast": "numpy"]

    /// Adds the layer that gives the value of a node.
    mutating func last(
        _ type: String, version: String = "opset1", _ inputs: [Value], _ node: Node,
        _ attributes: KeyValuePairs<String, String> = [:]
    ) -> Value {
        graph.add(
            type, version: version, inputs, attributes, name: node.name.text,
            shape: Self.shape(types[node.name]!.shape))
    }

    /// Adds a layer whose result, of the shape of its first input unless stated, only this operation reads.
    mutating func step(
        _ type: String, version: String = "opset1", _ inputs: [Value], _ node: Node,
        _ suffix: String, _ attributes: KeyValuePairs<String, String> = [:],
        element: OpenVINOGraph.Element = .float, shape: [Int]? = nil
    ) -> Value {
        graph.add(
            type, version: version, inputs, attributes,
            name: graph.names.unique("\(node.name.text).\(suffix)"), element: element,
            shape: shape ?? inputs[0].shape)
    }

    /// To the nearest integer, ties to even.
    mutating func round(_ x: Value, _ node: Node) -> Value {
        step("Round", version: "opset5", [x], node, "rounded", ["mode": "half_to_even"])
    }

    /// Adds numbers of an operation.
    mutating func constant(
        _ node: Node, _ suffix: String, _ numbers: [Float], _ shape: [Int]
    ) throws(InteropError) -> Value {
        try graph.room.reserve(numbers.count, of: node.name)
        return graph.constant("\(node.name.text).\(suffix)", numbers, shape)
    }

    /// A product and a sum, each with one number or one a channel.
    mutating func affine(
        _ node: Node, _ x: Value, _ scale: [Float], _ shift: [Float]?
    ) throws(InteropError) -> Value {
        let factors = try constant(node, "scale", scale, [1, scale.count, 1, 1])
        guard let shift else { return last("Multiply", [x, factors], node, Self.broadcast) }
        let product = step("Multiply", [x, factors], node, "scaled", Self.broadcast)
        let terms = try constant(node, "shift", shift, [1, shift.count, 1, 1])
        return last("Add", [product, terms], node, Self.broadcast)
    }

    /// A tensor of float32 numbers.
    func floats(_ name: Name) -> [Float] { file.tensors[name]!.floats() }

    /// Of one image: the plugin's binary convolutions have no dynamic shapes.
    static func shape(_ shape: Shape) -> [Int] {
        [1, shape.channels, shape.height, shape.width]
    }

    static func kernel(_ window: Window) -> String {
        OpenVINOGraph.list([window.height, window.width])
    }
    static func strides(_ window: Window) -> String {
        OpenVINOGraph.list([window.strideHeight, window.strideWidth])
    }
    static func padsBegin(_ window: Window) -> String {
        OpenVINOGraph.list([window.padTop, window.padLeft])
    }
    static func padsEnd(_ window: Window) -> String {
        OpenVINOGraph.list([window.padBottom, window.padRight])
    }
}
