import BONNModelFormat

/// The calls of an exported network, one or a few for each operation, and the tables that they name.
struct CSteps {
    /// One call a line.
    private(set) var calls: [String] = []
    /// The tables.
    private(set) var tables: CTables
    /// Multiply-accumulates of one image: of bits, and of numbers.
    private(set) var binaryMACs = 0, realMACs = 0

    private let graph: Graph
    private let types: [Name: ValueType]
    private let arena: CArena

    init(_ graph: Graph, _ types: [Name: ValueType], _ arena: CArena, tables: CTables) {
        self.graph = graph
        self.types = types
        self.arena = arena
        self.tables = tables
    }

    /// Adds what computes a node.
    mutating func add(_ node: Node) throws(InteropError) {
        guard let input = types[node.inputs[0]], let output = types[node.name] else { return }
        let x = pointer(node.inputs[0])
        let y = pointer(node.name)
        let shape = input.shape
        let pixels = shape.height * shape.width
        let channels = shape.channels
        switch node.operation {
        case .convolution(let layer):
            try addRealLayer(
                node, layer.window, groups: layer.groups, layer.weight, layer.weightScale,
                layer.bias)
        case .linear(let layer):
            try addRealLayer(
                node, Window(1), groups: 1, layer.weight, layer.weightScale, layer.bias)
        case .binaryConvolution(let layer):
            try addBinaryLayer(
                node, layer.window, groups: layer.groups, layer.paddingValue, layer.weight,
                layer.scale, layer.bias)
        case .binaryLinear(let layer):
            try addBinaryLayer(
                node, Window(1), groups: 1, .zero, layer.weight, layer.scale, layer.bias)
        case .batchNorm(let norm):
            let kind = input.element == .integer ? "i32" : "f32"
            call(
                "bonn_batch_norm_\(kind)", x, pixels, channels, try tables.table(norm.scale),
                try tables.table(norm.shift), y)
        case .threshold(let threshold):
            let kind =
                switch input.element {
                case .integer: "i32"
                case .byte: "u8"
                default: "f32"
                }
            call(
                "bonn_threshold_\(kind)", x, pixels, channels,
                try tables.table(threshold.threshold),
                try tables.directions(threshold.direction), y)
        case .quantize(let quantize):
            call("bonn_quantize", x, shape.count, tables.number(quantize.inverseScale), y)
        case .maxPool(let pool):
            let kind = input.element == .real ? "f32" : "bits"
            let layer = try tables.layer(CLayer(pool.window, shape, output.shape))
            call("bonn_max_\(kind)", layer, x, y)
        case .averagePool(let pool):
            let layer = try tables.layer(CLayer(pool.window, shape, output.shape))
            call("bonn_average", layer, x, pool.countsPadding ? 1 : 0, y)
        case .globalAveragePool:
            call("bonn_average", try tables.layer(CLayer(wholeOf: shape)), x, 0, y)
        case .relu: call("bonn_relu", x, shape.count, y)
        case .hardtanh: call("bonn_hardtanh", x, shape.count, y)
        case .sigmoid: call("bonn_sigmoid", x, shape.count, y)
        case .prelu(let prelu):
            call(
                "bonn_prelu", x, pixels, channels, try tables.table(prelu.slope),
                tables.step(prelu.slope), y)
        case .add: call("bonn_add", x, pointer(node.inputs[1]), shape.count, y)
        case .multiply:
            let factor = types[node.inputs[1]]?.shape
            let steps =
                factor == shape
                ? (channels, 1) : factor == Shape(channels, 1, 1) ? (0, 1) : (1, 0)
            call(
                "bonn_multiply", x, pointer(node.inputs[1]), pixels, channels, steps.0, steps.1, y)
        case .concatenate: addParts(node, output)
        case .flatten: addFlatten(node, input)
        }
    }

    /// What a value's address is called in the function that runs the network.
    private func pointer(_ value: Name) -> String {
        if value == graph.output { return "logits" }
        if value == graph.input.name { return "image" }
        let offset = arena.offsets[value] ?? 0
        return offset == 0 ? "arena" : "arena + \(offset)"
    }

    private mutating func call(_ function: String, _ arguments: any CustomStringConvertible...) {
        calls.append("\(function)(\(arguments.map(\.description).joined(separator: ", ")));")
    }

    private mutating func addRealLayer(
        _ node: Node, _ window: Window, groups: Int, _ weight: Name, _ scale: Name?, _ bias: Name?
    ) throws(InteropError) {
        guard let input = types[node.inputs[0]], let output = types[node.name] else { return }
        let channels = input.shape.channels / groups
        let taps = window.height * window.width
        realMACs += output.shape.count * channels * taps
        let layer = try tables.layer(CLayer(window, input.shape, output.shape, groups: groups))
        let x = pointer(node.inputs[0])
        let y = pointer(node.name)
        let kind =
            switch input.element {
            case .byte: "u8"
            case .signedByte: "s8"
            default: "f32"
            }
        let order = CTables.Form.channelsLast(channels: channels, taps: taps)
        let biases = try tables.table(bias)
        switch tables.elementType(weight) {
        case .u64:
            call(
                "bonn_conv_\(kind)_signs", layer, x,
                try tables.table(weight, .words(channels: channels)), try tables.table(scale),
                tables.step(scale), biases, y)
        case .i8:
            call(
                "bonn_conv_\(kind)_s8", layer, x, try tables.table(weight, order),
                try tables.table(scale), biases, y)
        default:
            call("bonn_conv_\(kind)_f32", layer, x, try tables.table(weight, order), biases, y)
        }
    }

    private mutating func addBinaryLayer(
        _ node: Node, _ window: Window, groups: Int, _ padding: PaddingValue, _ weight: Name,
        _ scale: Name?, _ bias: Name?
    ) throws(InteropError) {
        guard let input = types[node.inputs[0]], let output = types[node.name] else { return }
        let channels = input.shape.channels / groups
        binaryMACs += output.shape.count * channels * window.height * window.width
        let border =
            switch padding {
            case .zero: 0
            case .plusOne: 1
            case .minusOne: -1
            }
        let kind = input.element == .signedBits ? "signed" : "unsigned"
        let split = groups > 1 && channels % 32 != 0 ? "_split" : ""
        let layer = try tables.layer(CLayer(window, input.shape, output.shape, groups: groups))
        call(
            "bonn_binary_\(kind)\(split)", layer, pointer(node.inputs[0]), border,
            try tables.table(weight, .words(channels: channels)), try tables.table(scale),
            tables.step(scale), try tables.table(bias), pointer(node.name))
    }

    private mutating func addParts(_ node: Node, _ output: ValueType) {
        let pixels = output.shape.height * output.shape.width
        var first = 0
        for name in node.inputs {
            guard let part = types[name] else { continue }
            let x = pointer(name)
            let y = pointer(node.name)
            if let size = output.byteSize {
                call(
                    "bonn_join", x, pixels, part.shape.channels, size, y, output.shape.channels,
                    first)
            } else {
                call(
                    "bonn_join_bits", x, pixels, part.shape.channels, y, output.shape.channels,
                    first)
            }
            first += part.shape.channels
        }
    }

    private mutating func addFlatten(_ node: Node, _ input: ValueType) {
        if arena.inPlace.contains(node.name) { return }
        let pixels = input.shape.height * input.shape.width
        let x = pointer(node.inputs[0])
        let y = pointer(node.name)
        if let size = input.byteSize {
            call("bonn_flatten", x, pixels, input.shape.channels, size, y)
        } else {
            call("bonn_flatten_bits", x, pixels, input.shape.channels, y)
        }
    }
}

extension ValueType {
    /// Bytes of an element; nil of bits.
    fileprivate var byteSize: Int? {
        switch element {
        case .real, .integer: 4
        case .byte, .signedByte: 1
        case .signedBits, .unsignedBits: nil
        }
    }
}
