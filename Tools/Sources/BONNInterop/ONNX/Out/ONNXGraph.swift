import BONNModelFormat

/// A graph of ONNX while it is built: nodes, constants, and names that are each used once.
///
/// The numbers of the fields are those of onnx.proto.
/// Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
struct ONNXGraph {
    /// Who wrote the file.
    static let producer = "swift-bonn"

    /// The element types that are used, as TensorProto numbers them.
    enum Element: Int {
        case float = 1
        case uint8 = 2
        case int32 = 6
        case int64 = 7
        case bool = 9
    }

    /// An attribute of a node.
    enum Attribute {
        case int(Int)
        case ints([Int])
    }

    private var nodes = ProtobufWriter()
    private var constants = ProtobufWriter()
    private var values = ProtobufWriter()
    /// What helpers are called by.
    var names: UniqueNames
    /// What constants may still have.
    var room: ConstantRoom

    /// An empty graph.
    ///
    /// - Parameters:
    ///   - names: of the model's values, which no helper may take.
    ///   - maximumBytes: what all constants may have together.
    init(names: some Sequence<Name>, maximumBytes: Int) {
        self.names = UniqueNames(names)
        room = ConstantRoom(maximumBytes: maximumBytes, fileKind: "an ONNX file")
    }

    /// Adds a node with one output.
    mutating func add(
        _ operation: String, _ inputs: [String],
        _ attributes: KeyValuePairs<String, Attribute> = [:],
        output: String
    ) {
        nodes.message(1) { node in
            for input in inputs { node.text(1, input) }
            node.text(2, output)
            node.text(3, output)
            node.text(4, operation)
            for (name, value) in attributes {
                node.message(5) { attribute in
                    attribute.text(1, name)
                    switch value {
                    case .int(let number):
                        attribute.integer(3, number)
                        attribute.integer(20, 2)
                    case .ints(let numbers):
                        for number in numbers { attribute.integer(8, number) }
                        attribute.integer(20, 7)
                    }
                }
            }
        }
    }

    /// Adds float32 numbers.
    mutating func constant(_ name: String, _ numbers: [Float], _ shape: [Int]) -> String {
        constant(name, numbers.map(\.bitPattern), shape, .float)
    }

    /// Adds 64-bit integers in one dimension.
    mutating func constant(_ name: String, _ numbers: [Int]) -> String {
        constant(name, numbers.map(Int64.init), [numbers.count], .int64)
    }

    /// Adds truth values.
    mutating func constant(_ name: String, _ flags: [Bool], _ shape: [Int]) -> String {
        constant(name, flags.map { $0 ? 1 : 0 as UInt8 }, shape, .bool)
    }

    private mutating func constant<Word: FixedWidthInteger>(
        _ name: String, _ words: [Word], _ shape: [Int], _ element: Element
    ) -> String {
        let name = names.unique(name)
        constants.message(5) { tensor in
            for dimension in shape { tensor.integer(1, dimension) }
            tensor.integer(2, element.rawValue)
            tensor.text(8, name)
            words.map(\.littleEndian).withUnsafeBytes { tensor.data(9, $0) }
        }
        return name
    }

    /// States the shape of a value.
    mutating func describe(_ name: String, _ shape: [Int]) {
        values.message(13) { Self.describe(&$0, name, .float, shape) }
    }

    /// A value of any number of images.
    private static func describe(
        _ info: inout ProtobufWriter, _ name: String, _ element: Element, _ shape: [Int]
    ) {
        info.text(1, name)
        info.message(2) { type in
            type.message(1) { tensor in
                tensor.integer(1, element.rawValue)
                tensor.message(2) { dimensions in
                    dimensions.message(1) { $0.text(2, "N") }
                    for size in shape { dimensions.message(1) { $0.integer(1, size) } }
                }
            }
        }
    }

    /// What comes in or goes out: its name, its elements and its shape without the images.
    typealias Port = (name: String, element: Element, shape: [Int])

    /// The file.
    func model(
        version: Int, opset: Int, input: Port, output: Port,
        metadata: [(key: Name, value: String)]
    ) -> [UInt8] {
        var model = ProtobufWriter()
        model.integer(1, version)
        model.text(2, Self.producer)
        var graph = nodes.bytes
        var ports = ProtobufWriter()
        ports.text(2, "bonn")
        graph += ports.bytes + constants.bytes
        ports = ProtobufWriter()
        ports.message(11) { Self.describe(&$0, input.name, input.element, input.shape) }
        ports.message(12) { Self.describe(&$0, output.name, output.element, output.shape) }
        graph += ports.bytes + values.bytes
        model.data(7, graph)
        model.message(8) { $0.integer(2, opset) }
        for (key, value) in metadata {
            model.message(14) { entry in
                entry.text(1, key.text)
                entry.text(2, value)
            }
        }
        return model.bytes
    }
}
