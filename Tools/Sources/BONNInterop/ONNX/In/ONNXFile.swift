import BONNModelFormat

/// An ONNX file as its messages say it: nothing is computed, and nothing of its order is checked yet.
///
/// The fields that are read, of which others are skipped:
///
/// | message | fields |
/// |---|---|
/// | ModelProto | 1 ir_version, 2 producer_name, 7 graph, 8 opset_import, 14 metadata_props, 25 functions |
/// | GraphProto | 1 node, 5 initializer, 11 input, 12 output, 15 sparse_initializer |
/// | OperatorSetIdProto | 1 domain, 2 version |
/// | StringStringEntryProto | 1 key, 2 value |
///
/// Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
struct ONNXFile {
    /// The versions of the operators, by domain; the standard one is "".
    private(set) var opsets: [Name: Int] = [:]
    private(set) var producer = ""
    private(set) var nodes: [ONNXNode] = []
    private(set) var initializers: [Name: ONNXTensor] = [:]
    private(set) var inputs: [ONNXPort] = []
    private(set) var outputs: [ONNXPort] = []
    private(set) var metadata: [(key: String, value: String)] = []
    let bytes: [UInt8]
    let place: String

    /// More than any file needs of nodes, tensors, inputs and entries of metadata, each.
    static let mostEntries = 1 << 16

    /// Whether a file begins as all of this kind do: with the version of the format, a small number.
    static func begins(_ bytes: [UInt8]) -> Bool {
        bytes.count > 2 && bytes[0] == 0x08 && (1...0x7F).contains(bytes[1])
    }

    /// Reads the messages of a file.
    init(_ bytes: [UInt8], place: String) throws(InteropError) {
        self.bytes = bytes
        self.place = place
        guard Self.begins(bytes) else {
            throw InteropError(
                .notRecognised,
                "\(place): expected an ONNX file, which begins with the version of its format, found "
                    + "something else")
        }
        var reader = ProtobufReader(bytes, bytes.indices, place: place)
        var hasGraph = false
        while let field = try reader.next() {
            switch field.number {
            case 2: producer = try reader.text(field)
            case 7:
                guard !hasGraph else {
                    throw InteropError(
                        .malformed, "\(field.place): expected one graph, found a second one")
                }
                hasGraph = true
                try readGraph(try reader.message(field))
            case 8: try readOpset(try reader.message(field))
            case 14:
                metadata.append(try Self.entry(try reader.message(field)))
                try bound(metadata.count, "entries of metadata")
            case 25:
                throw InteropError(
                    .refused,
                    "\(field.place): expected a graph of operators of ONNX, found a function of the "
                        + "model's own; inline it (onnx.inliner.inline_local_functions)")
            default: break
            }
        }
        guard hasGraph else {
            throw InteropError(
                .malformed, "\(place): expected a graph, found none; the file is cut or damaged")
        }
    }

    private func bound(_ count: Int, _ what: String) throws(InteropError) {
        guard count <= Self.mostEntries else {
            throw InteropError(
                .limitExceeded,
                "\(place): expected at most \(Self.mostEntries) \(what), found more; no 1-bit network "
                    + "needs them")
        }
    }

    private mutating func readGraph(_ graph: ProtobufReader) throws(InteropError) {
        var graph = graph
        while let field = try graph.next() {
            switch field.number {
            case 1:
                nodes.append(try ONNXNode(try graph.message(field), nodes.count, place: place))
                try bound(nodes.count, "nodes")
            case 5:
                let tensor = try ONNXTensor(try graph.message(field), place: place)
                guard initializers.updateValue(tensor, forKey: tensor.name) == nil else {
                    throw InteropError(
                        .malformed,
                        "\(field.place): expected tensors of different names, found "
                            + "'\(printable(tensor.name.text, limit: 60))' twice")
                }
                try bound(initializers.count, "tensors")
            case 11:
                inputs.append(try ONNXPort(try graph.message(field), place: place))
                try bound(inputs.count, "inputs")
            case 12:
                outputs.append(try ONNXPort(try graph.message(field), place: place))
                try bound(outputs.count, "outputs")
            case 15:
                throw InteropError(
                    .unsupported,
                    "\(field.place): expected tensors with all of their elements, found a sparse one; "
                        + "save it dense")
            default: break
            }
        }
    }

    private mutating func readOpset(_ message: ProtobufReader) throws(InteropError) {
        var message = message
        var (domain, version) = ("", 0)
        while let field = try message.next() {
            switch field.number {
            case 1: domain = try message.text(field)
            case 2: version = try message.integer(field)
            default: break
            }
        }
        // The standard domain has two spellings.
        opsets[Name(domain == "ai.onnx" ? "" : domain)] = version
        try bound(opsets.count, "sets of operators")
    }

    private static func entry(
        _ message: ProtobufReader
    ) throws(InteropError) -> (key: String, value: String) {
        var message = message
        var (key, value) = ("", "")
        while let field = try message.next() {
            switch field.number {
            case 1: key = try message.text(field)
            case 2: value = try message.text(field)
            default: break
            }
        }
        return (key, value)
    }
}

/// What comes in or goes out of a graph: `ValueInfoProto` (1 name, 2 type) with a `TypeProto` (1 tensor_type: 1
/// elem_type, 2 shape: 1 dim: 1 dim_value, 2 dim_param).
struct ONNXPort {
    private(set) var name: Name = ""
    private(set) var element = 0
    /// Its sizes, nil for one that has a name or nothing at all; nil as a whole where no shape is stated.
    private(set) var shape: [Int?]?

    init(_ message: ProtobufReader, place: String) throws(InteropError) {
        var message = message
        while let field = try message.next() {
            switch field.number {
            case 1: name = Name(try message.text(field))
            case 2:
                var type = try message.message(field)
                while let field = try type.next() {
                    if field.number == 1 { try readTensor(try type.message(field)) }
                }
            default: break
            }
        }
    }

    private mutating func readTensor(_ message: ProtobufReader) throws(InteropError) {
        var message = message
        while let field = try message.next() {
            switch field.number {
            case 1: element = try message.integer(field)
            case 2: try readShape(try message.message(field))
            default: break
            }
        }
    }

    private mutating func readShape(_ message: ProtobufReader) throws(InteropError) {
        var message = message
        var sizes: [Int?] = []
        while let field = try message.next() {
            guard field.number == 1 else { continue }
            guard sizes.count < ONNXTensor.mostDimensions else {
                throw InteropError(
                    .limitExceeded,
                    "\(field.place): expected at most \(ONNXTensor.mostDimensions) dimensions, found more"
                )
            }
            var size: Int?
            var dimension = try message.message(field)
            while let part = try dimension.next() {
                if part.number == 1 { size = try dimension.integer(part) }
            }
            sizes.append(size)
        }
        shape = sizes
    }
}
