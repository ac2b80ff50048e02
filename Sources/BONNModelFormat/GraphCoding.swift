extension Graph {
    /// Reads a graph. Unknown keys, operations and names are errors; `validate(tensors:)` checks
    /// the rest.
    public init(json: JSONValue) throws(ModelFormatError) {
        var fields = try JSONFields(json, place: "graph")
        let input = try GraphInput(json: try fields.value("input"))
        var nodes: [Node] = []
        for (index, value) in try fields.array("nodes").enumerated() {
            nodes.append(try Node(json: value, index: index))
        }
        let output = try fields.name("output")
        try fields.finish()
        self.init(input: input, nodes: nodes, output: output)
    }

    /// The graph as JSON, every key written.
    public var json: JSONValue {
        .object([
            JSONMember("input", input.json),
            JSONMember("nodes", .array(nodes.map(\.json))),
            JSONMember("output", .string(output.text)),
        ])
    }
}

extension GraphInput {
    fileprivate init(json: JSONValue) throws(ModelFormatError) {
        var fields = try JSONFields(json, place: "graph input")
        let name = try fields.name("name")
        let shape = try fields.ints("shape", count: 3)
        let element = try fields.name("element", of: [ElementType.real, .byte])
        try fields.finish()
        self.init(name: name, shape: Shape(shape[0], shape[1], shape[2]), element: element)
    }

    fileprivate var json: JSONValue {
        .object([
            JSONMember("name", .string(name.text)),
            JSONMember("shape", .ints([shape.channels, shape.height, shape.width])),
            JSONMember("element", .string(element.rawValue)),
        ])
    }
}

extension Node {
    fileprivate init(json: JSONValue, index: Int) throws(ModelFormatError) {
        var unnamed = try JSONFields(json, place: "graph node \(index)")
        let name = try unnamed.name("name")
        let operation = try unnamed.name("operation")
        let inputs = try unnamed.names("inputs")
        var fields = unnamed
        fields.place = "graph node '\(abbreviated(name))'"
        self.init(name, try Operation(name: operation, &fields), inputs: inputs)
        try fields.finish()
    }

    fileprivate var json: JSONValue {
        .object(
            [
                JSONMember("name", .string(name.text)),
                JSONMember("operation", .string(operation.name)),
                JSONMember("inputs", .array(inputs.map { .string($0.text) })),
            ] + operation.members)
    }
}
