import BONNModelFormat

/// A node of a graph: `NodeProto`.
///
/// | message | fields |
/// |---|---|
/// | NodeProto | 1 input, 2 output, 3 name, 4 op_type, 5 attribute, 7 domain |
/// | AttributeProto | 1 name, 2 f, 3 i, 4 s, 5 t, 7 floats, 8 ints |
struct ONNXNode {
    /// The values that it reads; "" where an optional one is left out.
    private(set) var inputs: [Name] = []
    private(set) var outputs: [Name] = []
    private(set) var name = ""
    /// The operator.
    private(set) var operation = ""
    private(set) var domain = ""
    private var attributes: [Name: Attribute] = [:]
    private let index: Int
    private let file: String

    /// The value of an attribute. Graphs, texts in lists and the like are no value that is read.
    private struct Attribute {
        var float: Float?
        var int: Int?
        var text: String?
        var tensor: ONNXTensor?
        var floats: [Float] = []
        var ints: [Int] = []
    }

    private static let mostAttributes = 64
    /// Of an attribute; of tensors there are initializers and `value`.
    private static let mostNumbers = 4096

    /// Reads a node, the so-manieth of its graph.
    init(_ message: ProtobufReader, _ index: Int, place: String) throws(InteropError) {
        self.index = index
        file = place
        var message = message
        while let field = try message.next() {
            switch field.number {
            case 1: inputs.append(Name(try message.text(field)))
            case 2: outputs.append(Name(try message.text(field)))
            case 3: name = try message.text(field)
            case 4: operation = try message.text(field)
            case 5: try readAttribute(try message.message(field))
            case 7:
                let domain = try message.text(field)
                self.domain = domain == "ai.onnx" ? "" : domain
            default: break
            }
            guard inputs.count <= FormatLimits.nodes, outputs.count <= Self.mostAttributes,
                attributes.count <= Self.mostAttributes
            else {
                throw fail(
                    .limitExceeded,
                    "expected at most \(FormatLimits.nodes) inputs, \(Self.mostAttributes) outputs and as "
                        + "many attributes, found more")
            }
        }
        guard !operation.isEmpty, outputs.contains(where: { !$0.text.isEmpty }) else {
            throw fail(
                .malformed, "expected an operator and an output, found none; the file is damaged")
        }
    }

    /// Where it stands, for messages.
    var place: String {
        let shown = name.isEmpty ? outputs.first?.text ?? "" : name
        let title = shown.isEmpty ? "number \(index)" : "'\(printable(shown, limit: 60))'"
        return "\(file), node \(title) (\(printable(operation, limit: 40)))"
    }

    /// An error about this node.
    func fail(_ code: InteropError.Code, _ message: String) -> InteropError {
        InteropError(code, "\(place): \(message)")
    }

    private mutating func readAttribute(_ message: ProtobufReader) throws(InteropError) {
        var message = message
        var name = ""
        var value = Attribute()
        func bound(_ count: Int) throws(InteropError) {
            guard count < Self.mostNumbers else {
                throw fail(
                    .limitExceeded,
                    "expected at most \(Self.mostNumbers) numbers in an attribute, found more")
            }
        }
        while let field = try message.next() {
            switch field.number {
            case 1: name = try message.text(field)
            case 2:
                try message.numbers(field, bytes: 4) {
                    value.float = Float(bitPattern: UInt32(truncatingIfNeeded: $0))
                }
            case 3: value.int = try message.integer(field)
            case 4:
                // Bytes of any kind; what is no text names nothing that is known.
                _ = try message.range(field)
                value.text = (try? message.text(field)) ?? ""
            case 5: value.tensor = try ONNXTensor(try message.message(field), place: place)
            case 7:
                try message.numbers(field, bytes: 4) { (bits) throws(InteropError) in
                    try bound(value.floats.count)
                    value.floats.append(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
                }
            case 8:
                try message.integers(field) { (number) throws(InteropError) in
                    try bound(value.ints.count)
                    value.ints.append(number)
                }
            default: break
            }
        }
        guard attributes.updateValue(value, forKey: Name(name)) == nil else {
            throw fail(
                .malformed,
                "expected attributes of different names, found '\(printable(name, limit: 60))' twice"
            )
        }
    }

    // MARK: Attributes

    /// An integer.
    func int(_ name: Name) -> Int? { attributes[name]?.int }

    /// A number.
    func float(_ name: Name) -> Float? { attributes[name]?.float }

    /// A text.
    func text(_ name: Name) -> String? { attributes[name]?.text }

    /// A list of integers.
    func ints(_ name: Name) -> [Int]? { attributes[name]?.ints }

    /// A list of numbers.
    func floats(_ name: Name) -> [Float]? { attributes[name]?.floats }

    /// A tensor.
    func tensor(_ name: Name) -> ONNXTensor? { attributes[name]?.tensor }

    /// The name of an input; nil where it is left out.
    func input(_ index: Int) -> Name? {
        guard index < inputs.count, !inputs[index].text.isEmpty else { return nil }
        return inputs[index]
    }
}
