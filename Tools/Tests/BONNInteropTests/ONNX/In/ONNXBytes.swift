/// Messages of ONNX from their parts, right ones and ones that lie.
enum ONNXBytes {
    /// A varint in as few bytes as it has.
    static func varint(_ value: UInt64) -> [UInt8] {
        value < 0x80
            ? [UInt8(value)] : [UInt8(truncatingIfNeeded: value) | 0x80] + varint(value >> 7)
    }

    /// A field of a wire type.
    static func field(_ number: Int, _ type: UInt64, _ bytes: [UInt8]) -> [UInt8] {
        varint(UInt64(number) << 3 | type) + bytes
    }

    static func int(_ number: Int, _ value: Int) -> [UInt8] {
        field(number, 0, varint(UInt64(bitPattern: Int64(value))))
    }

    /// Text, data or a message, with its own length or another one.
    static func data(_ number: Int, _ bytes: [UInt8], length: UInt64? = nil) -> [UInt8] {
        field(number, 2, varint(length ?? UInt64(bytes.count)) + bytes)
    }

    static func text(_ number: Int, _ text: String) -> [UInt8] { data(number, Array(text.utf8)) }

    static func floats(_ values: [Float]) -> [UInt8] {
        values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
        }
    }

    static func longs(_ values: [Int]) -> [UInt8] {
        values.flatMap { value in (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    }

    // MARK: Attributes

    static func ints(_ name: String, _ values: [Int]) -> [UInt8] {
        text(1, name) + values.flatMap { int(8, $0) } + int(20, 7)
    }

    static func attribute(_ name: String, _ value: Int) -> [UInt8] {
        text(1, name) + int(3, value) + int(20, 2)
    }

    static func attribute(_ name: String, _ value: Float) -> [UInt8] {
        text(1, name) + field(2, 5, floats([value])) + int(20, 1)
    }

    static func attribute(_ name: String, _ value: String) -> [UInt8] {
        text(1, name) + text(4, value) + int(20, 3)
    }

    // MARK: Parts of a graph

    static func node(
        _ operation: String, _ inputs: [String], _ output: String, _ attributes: [[UInt8]] = [],
        domain: String = ""
    ) -> [UInt8] {
        inputs.flatMap { text(1, $0) } + text(2, output) + text(4, operation)
            + attributes.flatMap { data(5, $0) } + (domain.isEmpty ? [] : text(7, domain))
    }

    static func tensor(
        _ name: String, _ shape: [Int], type: Int = 1, raw: [UInt8]? = nil, more: [UInt8] = []
    ) -> [UInt8] {
        shape.flatMap { int(1, $0) } + int(2, type) + text(8, name)
            + (raw.map { data(9, $0) } ?? []) + more
    }

    static func port(_ name: String, _ sizes: [Int?], type: Int = 1) -> [UInt8] {
        let shape = sizes.flatMap { data(1, $0.map { int(1, $0) } ?? text(2, "N")) }
        return text(1, name) + data(2, data(1, int(1, type) + data(2, shape)))
    }

    // MARK: A network of a convolution, and what can be wrong with it

    /// A right file's parts.
    struct Network {
        var nodes = [
            node(
                "Conv", ["x", "w"], "a",
                [ints("kernel_shape", [3, 3]), ints("pads", [1, 1, 1, 1])]),
            node("Relu", ["a"], "b"), node("GlobalAveragePool", ["b"], "c"),
            node("Flatten", ["c"], "y", [attribute("axis", 1)]),
        ]
        var tensors = [
            tensor("w", [3, 2, 3, 3], raw: floats((0..<54).map { Float($0) / 10 }))
        ]
        var inputs = [port("x", [nil, 2, 4, 4])]
        var outputs = [port("y", [nil, 3])]
        /// Behind all else in the graph, and in the file.
        var graph: [UInt8] = []
        var model: [UInt8] = []
        var opset = 13

        var bytes: [UInt8] {
            let graph =
                nodes.flatMap { data(1, $0) } + text(2, "g") + tensors.flatMap { data(5, $0) }
                + inputs.flatMap { data(11, $0) } + outputs.flatMap { data(12, $0) } + graph
            return int(1, 7) + data(7, graph) + model + data(8, int(2, opset))
        }
    }

    /// The right file after a change.
    static func file(_ change: (inout Network) -> Void = { _ in }) -> [UInt8] {
        var network = Network()
        change(&network)
        return network.bytes
    }

    /// The right file with other nodes between the input `x` and the output `y`.
    static func file(_ nodes: [[UInt8]], _ tensors: [[UInt8]] = []) -> [UInt8] {
        file {
            $0.nodes = nodes
            $0.tensors += tensors
        }
    }
}
