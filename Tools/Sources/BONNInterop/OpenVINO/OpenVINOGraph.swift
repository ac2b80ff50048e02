import BONNModelFormat

/// A graph of OpenVINO's IR while it is built: layers, the edges between them, and the bytes of the constants.
///
/// The ports of a layer are numbered from 0, its inputs first and then its one output.
/// Source: https://docs.openvino.ai/2025/documentation/openvino-ir-format.html
struct OpenVINOGraph {
    /// Element types as ports name them.
    enum Element: String {
        case float = "FP32"
        case uint8 = "U8"
        case int32 = "I32"
        case int64 = "I64"
        case bool = "BOOL"
        case bit = "BIN"

        /// As attributes name them.
        var type: String {
            switch self {
            case .float: "f32"
            case .uint8: "u8"
            case .int32: "i32"
            case .int64: "i64"
            case .bool: "boolean"
            case .bit: "u1"
            }
        }
    }

    /// What a layer gives.
    struct Value {
        fileprivate let layer: Int
        fileprivate let port: Int
        let element: Element
        let shape: [Int]
    }

    /// The constants, each at a multiple of 64 bytes.
    private(set) var constants: [UInt8] = []
    private var layers = ""
    private var edges = ""
    private var count = 0
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
        room = ConstantRoom(maximumBytes: maximumBytes, fileKind: "an export")
    }

    /// Adds a layer with one output.
    ///
    /// - Parameter tensor: what programs find the output by.
    @discardableResult
    mutating func add(
        _ type: String, version: String = "opset1", _ inputs: [Value],
        _ attributes: KeyValuePairs<String, String> = [:], name: String, tensor: String? = nil,
        element: Element = .float, shape: [Int]
    ) -> Value {
        open(type, version, inputs, attributes, name)
        var names = ""
        if let tensor {
            // A comma stands between the names of a tensor.
            names = " names=\"\(Self.escaped(tensor.replacing(",", with: "\\,")))\""
        }
        layers += "<output>\n"
        layers += Self.port(inputs.count, element, shape, names)
        layers += "</output>\n</layer>\n"
        count += 1
        return Value(layer: count - 1, port: inputs.count, element: element, shape: shape)
    }

    /// Makes a value the output of the graph.
    mutating func result(_ value: Value, name: String) {
        open("Result", "opset1", [value], [:], name)
        layers += "</layer>\n"
        count += 1
    }

    private mutating func open(
        _ type: String, _ version: String, _ inputs: [Value],
        _ attributes: KeyValuePairs<String, String>, _ name: String
    ) {
        layers += "<layer id=\"\(count)\" name=\"\(Self.escaped(name))\" type=\"\(type)\" "
        layers += "version=\"\(version)\">\n"
        if !attributes.isEmpty {
            let texts = attributes.map { "\($0)=\"\(Self.escaped($1))\"" }
            layers += "<data \(texts.joined(separator: " "))/>\n"
        }
        guard !inputs.isEmpty else { return }
        layers += "<input>\n"
        for (index, input) in inputs.enumerated() {
            layers += Self.port(index, input.element, input.shape, "")
            edges += "<edge from-layer=\"\(input.layer)\" from-port=\"\(input.port)\" "
            edges += "to-layer=\"\(count)\" to-port=\"\(index)\"/>\n"
        }
        layers += "</input>\n"
    }

    private static func port(
        _ number: Int, _ element: Element, _ shape: [Int], _ names: String
    ) -> String {
        let dimensions = shape.map { "<dim>\($0)</dim>" }.joined()
        return
            "<port id=\"\(number)\" precision=\"\(element.rawValue)\"\(names)>\(dimensions)</port>\n"
    }

    // MARK: Constants

    /// Adds float32 numbers.
    mutating func constant(_ name: String, _ numbers: [Float], _ shape: [Int]) -> Value {
        constant(name, words: numbers.map(\.bitPattern), shape, .float)
    }

    /// Adds 64-bit integers in one dimension.
    mutating func constant(_ name: String, _ numbers: [Int]) -> Value {
        constant(name, words: numbers.map(Int64.init), [numbers.count], .int64)
    }

    /// Adds truth values.
    mutating func constant(_ name: String, _ flags: [Bool], _ shape: [Int]) -> Value {
        constant(name, words: flags.map { $0 ? 1 : 0 as UInt8 }, shape, .bool)
    }

    /// Adds signs as bits, least significant first; 1 is +1.
    mutating func bits(_ name: String, _ signs: [Float], _ shape: [Int]) -> Value {
        var bytes = [UInt8](repeating: 0, count: (signs.count + 7) / 8)
        for (index, sign) in signs.enumerated() where sign > 0 {
            bytes[index / 8] |= 1 << UInt8(index % 8)
        }
        return constant(name, words: bytes, shape, .bit)
    }

    private mutating func constant<Word: FixedWidthInteger>(
        _ name: String, words: [Word], _ shape: [Int], _ element: Element
    ) -> Value {
        while constants.count % 64 != 0 { constants.append(0) }
        let offset = constants.count
        words.map(\.littleEndian).withUnsafeBytes { constants.append(contentsOf: $0) }
        return add(
            "Const", [],
            [
                "element_type": element.type, "shape": Self.list(shape), "offset": "\(offset)",
                "size": "\(constants.count - offset)",
            ], name: names.unique(name), element: element, shape: shape)
    }

    // MARK: Text

    /// Numbers as attributes have them.
    static func list(_ numbers: [Int]) -> String {
        numbers.map(String.init).joined(separator: ",")
    }

    /// Text inside of an attribute.
    static func escaped(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;".unicodeScalars
            case "<": result += "&lt;".unicodeScalars
            case ">": result += "&gt;".unicodeScalars
            case "\"": result += "&quot;".unicodeScalars
            case "\t", "\n", "\r": result += "&#\(scalar.value);".unicodeScalars
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    /// Whether XML has every character of a text.
    static func canHold(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy {
            $0.value >= 0x20 && $0.value != 0xFFFE && $0.value != 0xFFFF
                || [9, 10, 13].contains($0.value)
        }
    }

    /// The .xml file.
    func document(version: Int, metadata: [(key: Name, value: String)]) -> [UInt8] {
        var text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
        text += "<net name=\"bonn\" version=\"\(version)\">\n<layers>\n\(layers)</layers>\n"
        text += "<edges>\n\(edges)</edges>\n<rt_info>\n"
        for (key, value) in metadata {
            text += "<info name=\"\(key.text)\" value=\"\(Self.escaped(value))\"/>\n"
        }
        text += "</rt_info>\n</net>\n"
        return Array(text.utf8)
    }
}
