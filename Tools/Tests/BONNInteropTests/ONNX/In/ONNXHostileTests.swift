import BONNModelFormat
import BONNTestSupport
import Testing

@testable import BONNInterop

/// Files of ONNX that lie, each of which is refused with one message and costs no more than its size.
@Suite struct ONNXHostileTests {
    private typealias Bytes = ONNXBytes

    private static func read(_ bytes: [UInt8]) throws {
        _ = try ONNXImport(bytes, place: "hostile")
    }

    /// The weights of the right file, of another shape or with other fields.
    private static func weights(
        _ shape: [Int], type: Int = 1, raw: [UInt8]? = Bytes.floats([1, 2]), more: [UInt8] = []
    ) -> [UInt8] {
        Bytes.file { $0.tensors = [Bytes.tensor("w", shape, type: type, raw: raw, more: more)] }
    }

    /// The right file with other attributes of its convolution.
    private static func window(_ attributes: [[UInt8]]) -> [UInt8] {
        Bytes.file { $0.nodes[0] = Bytes.node("Conv", ["x", "w"], "a", attributes) }
    }

    /// A graph of one node between input and output, with a tensor `k`.
    private static func node(
        _ operation: String, _ inputs: [String] = ["x"], _ attributes: [[UInt8]] = [],
        _ tensors: [[UInt8]] = []
    ) -> [UInt8] {
        Bytes.file([Bytes.node(operation, inputs, "y", attributes)], tensors)
    }

    private static func longs(_ name: String, _ values: [Int]) -> [UInt8] {
        Bytes.tensor(name, [values.count], type: 7, raw: Bytes.longs(values))
    }

    private static let wire: [HostileCase] = [
        HostileCase("empty", [], "expected an ONNX file"),
        HostileCase("a version of 0", [8, 0, 0], "expected an ONNX file"),
        HostileCase("no graph", Bytes.int(1, 7), "expected an ONNX file"),
        HostileCase("a version alone", Bytes.int(1, 7) + Bytes.int(5, 1), "expected a graph"),
        HostileCase(
            "a length of 2^63", Bytes.int(1, 7) + Bytes.data(7, [], length: 1 << 63),
            "expected a field of at most"),
        HostileCase(
            "a length of 2^64 - 1", Bytes.int(1, 7) + Bytes.data(7, [], length: .max),
            "expected a field of at most"),
        HostileCase(
            "a length of one too many", Bytes.int(1, 7) + Bytes.data(7, [1], length: 2),
            "expected a field of at most"),
        HostileCase(
            "a varint of eleven bytes",
            Bytes.int(1, 7) + [0x28] + [UInt8](repeating: 0x80, count: 10) + [0],
            "at most 64 bits"),
        HostileCase(
            "a varint of 65 bits",
            Bytes.int(1, 7) + [0x28] + [UInt8](repeating: 0xFF, count: 9) + [2], "at most 64 bits"),
        HostileCase("a varint that is cut", Bytes.int(1, 7) + [0x28, 0x80], "at most 64 bits"),
        HostileCase("a field of number 0", Bytes.int(1, 7) + [0x00, 0x00], "number 1 to"),
        HostileCase(
            "a field of number 2^32", Bytes.int(1, 7) + Bytes.varint(1 << 35), "number 1 to"),
        HostileCase("a group", Bytes.int(1, 7) + [0x3B, 0x3C], "wire type 0, 1, 2 or 5"),
        HostileCase("wire type 7", Bytes.int(1, 7) + [0x3F], "wire type 0, 1, 2 or 5"),
        HostileCase("a cut number", Bytes.int(1, 7) + [0x29, 1, 2], "expected 8 more bytes"),
        HostileCase("a graph as an integer", Bytes.int(1, 7) + Bytes.int(7, 1), "wire type"),
        HostileCase(
            "a node as an integer", Bytes.file { $0.graph = Bytes.int(1, 1) }, "wire type"),
        HostileCase(
            "an operator that is no text",
            Bytes.file { $0.nodes[1] = Bytes.data(2, [0x62]) + Bytes.data(4, [0xFF, 0xFE]) },
            "expected UTF-8"),
        HostileCase(
            "an attribute of odd floats",
            Bytes.file {
                $0.nodes[1] += Bytes.data(5, Bytes.text(1, "f") + Bytes.data(7, [1, 2, 3]))
            }, "numbers of 4 bytes"),
        HostileCase("two graphs", Bytes.file { $0.model = Bytes.data(7, []) }, "a second one"),
        HostileCase(
            "a function", Bytes.file { $0.model = Bytes.data(25, []) }, "inline_local_functions"),
        HostileCase(
            "a sparse tensor", Bytes.file { $0.graph = Bytes.data(15, []) }, "a sparse one"),
        HostileCase(
            "messages in messages in messages",
            Bytes.int(1, 7)
                + Bytes.data(7, (0..<2000).reduce([]) { bytes, _ in Bytes.data(1, bytes) }),
            "expected UTF-8"),
        HostileCase(
            "a graph in an attribute",
            Bytes.file {
                $0.nodes[1] = Bytes.node(
                    "If", ["a"], "b", [Bytes.text(1, "then_branch") + Bytes.data(6, $0.bytes)])
            }, "found 'If'"),
    ]

    private static let tensors: [HostileCase] = [
        HostileCase("a size of -1", weights([-1, 2]), "sizes whose product"),
        HostileCase("sizes of 2^62", weights([1 << 62, 1 << 62]), "sizes whose product"),
        HostileCase("none of 2^62 twice", weights([0, 1 << 62, 4]), "sizes whose product"),
        HostileCase("nine dimensions", weights([Int](repeating: 1, count: 9)), "8 dimensions"),
        HostileCase("fewer bytes than its shape", weights([3, 2, 3, 3]), "expected 54 elements"),
        HostileCase("more bytes than its shape", weights([1]), "expected 1 elements"),
        HostileCase("half an element", weights([2], raw: [0, 0, 0, 0, 0, 0, 0]), "found 7 bytes"),
        HostileCase("no elements at all", weights([3, 2, 3, 3], raw: nil), "found 0"),
        HostileCase(
            "2^40 elements that are not there", weights([1 << 40], raw: nil), "about as many"),
        HostileCase(
            "typed elements, one too many",
            weights([1, 1, 1, 1], raw: nil, more: Bytes.data(4, Bytes.floats([1, 2]))), "more"),
        HostileCase(
            "typed elements of another type",
            weights([2], raw: nil, more: Bytes.data(7, [1, 2])), "found 0"),
        HostileCase("float16", weights([2], type: 10, raw: [0, 0, 0, 0]), "data type 10"),
        HostileCase("a type of 2^62", weights([2], type: 1 << 62), "data type 4611686018427387904"),
        HostileCase(
            "float64 that float32 has not",
            weights(
                [1, 1, 1, 1], type: 11, raw: Bytes.longs([Int(bitPattern: 0x3FB9_9999_9999_999A)])),
            "float64 elements that are float32"),
        HostileCase(
            "bytes beyond a byte",
            weights([1, 1, 1, 1], type: 2, raw: nil, more: Bytes.data(5, Bytes.varint(256))),
            "0 to 255"),
        HostileCase(
            "elements in another file", weights([2], raw: nil, more: Bytes.int(14, 1)),
            "save_as_external_data"),
        HostileCase(
            "a path to another file", weights([2], raw: nil, more: Bytes.data(13, [])),
            "a reference to another one"),
        HostileCase("a scalar as weights", weights([], raw: Bytes.floats([1])), "weights [K, C"),
        HostileCase("weights of no outputs", weights([0, 2, 3, 3], raw: []), "2 channels in 1"),
        HostileCase(
            "weights that are not finite",
            weights([1, 2, 1, 1], raw: Bytes.floats([.nan, 1])), "kernel"),
        HostileCase(
            "two tensors of a name",
            Bytes.file { $0.tensors.append($0.tensors[0]) }, "'w' twice"),
        HostileCase(
            "a name for a terminal",
            Bytes.file { $0.tensors.append(Bytes.tensor("\u{1B}[2J", [2], type: 99)) },
            #"'\u{1b}[2J'"#),
        HostileCase(
            "a long name",
            Bytes.file {
                $0.tensors.append(
                    Bytes.tensor(String(repeating: "n", count: 9000), [2], type: 99))
            }, "nnn...'"),
    ]

    private static let graphs: [HostileCase] = [
        HostileCase("no nodes", Bytes.file([]), "expected the value of a node"),
        HostileCase(
            "a missing weight", Bytes.file { $0.tensors = [] }, "'w', which is not"),
        HostileCase(
            "a node that reads itself",
            Bytes.file([Bytes.node("Add", ["x", "y"], "y")]), "'y', which is not"),
        HostileCase(
            "two nodes that read each other",
            Bytes.file([Bytes.node("Add", ["x", "y"], "a"), Bytes.node("Relu", ["a"], "y")]),
            "'y', which is not"),
        HostileCase(
            "a value twice",
            Bytes.file([Bytes.node("Relu", ["x"], "y"), Bytes.node("Relu", ["x"], "y")]),
            "'y' once more"),
        HostileCase(
            "a value called as the input", Bytes.file([Bytes.node("Relu", ["x"], "x")]),
            "'x' once more"),
        HostileCase(
            "a value called as a weight", Bytes.file([Bytes.node("Relu", ["x"], "w")]),
            "'w' once more"),
        HostileCase("a node without inputs", node("Relu", []), "expected an input 0"),
        HostileCase("a node without an output", Bytes.file([Bytes.text(4, "Relu")]), "an output"),
        HostileCase("no input", Bytes.file { $0.inputs = [] }, "found 0 inputs"),
        HostileCase(
            "two inputs", Bytes.file { $0.inputs.append(Bytes.port("z", [1, 2])) }, "found 2"),
        HostileCase("no output", Bytes.file { $0.outputs = [] }, "found 0"),
        HostileCase(
            "an output of nothing", Bytes.file { $0.outputs = [Bytes.port("q", [1])] },
            "expected the value of a node"),
        HostileCase("opset 6", Bytes.file { $0.opset = 6 }, "opset 7 to 28, found 6"),
        HostileCase("opset 2^40", Bytes.file { $0.opset = 1 << 40 }, "found 1099511627776"),
        HostileCase(
            "an input of 2^40 rows",
            Bytes.file { $0.inputs = [Bytes.port("x", [1, 2, 1 << 40, 4])] }, "elements an image"),
        HostileCase(
            "an input of 2^62 by 2^62",
            Bytes.file { $0.inputs = [Bytes.port("x", [1, 2, 1 << 62, 1 << 62])] },
            "elements an image"),
        HostileCase(
            "a negative input", Bytes.file { $0.inputs = [Bytes.port("x", [1, 2, -4, 4])] },
            "--input-size"),
        HostileCase(
            "open channels", Bytes.file { $0.inputs = [Bytes.port("x", [1, nil, 4, 4])] },
            "a stated number of channels"),
        HostileCase(
            "an input of three dimensions",
            Bytes.file { $0.inputs = [Bytes.port("x", [2, 4, 4])] },
            "3 dimensions"),
        HostileCase(
            "an input of text",
            Bytes.file { $0.inputs = [Bytes.port("x", [1, 2, 4, 4], type: 8)] },
            "FLOAT or UINT8"),
        HostileCase("an operator that is not known", node("Loop"), "found 'Loop'"),
        HostileCase(
            "an operator of someone's own",
            Bytes.file([Bytes.node("Relu", ["x"], "y", domain: "com.example")]), "'com.example'"),
        HostileCase(
            "an attribute twice",
            node("Flatten", ["x"], [Bytes.attribute("axis", 1), Bytes.attribute("axis", 1)]),
            "'axis' twice"),
        HostileCase(
            "65 attributes",
            node("Relu", ["x"], (0..<65).map { Bytes.attribute("a\($0)", 1) }), "as many attributes"
        ),
        HostileCase(
            "5000 numbers in an attribute",
            node("Flatten", ["x"], [Bytes.ints("axes", [Int](repeating: 1, count: 5000))]),
            "at most 4096 numbers"),
    ]

    private static let operators: [HostileCase] = [
        HostileCase("another kernel", window([Bytes.ints("kernel_shape", [5, 5])]), "kernel"),
        HostileCase("strides of 0", window([Bytes.ints("strides", [0, 1])]), "a window of"),
        HostileCase(
            "a stride of 2^62", window([Bytes.ints("strides", [1 << 62, 1])]), "a window of"),
        HostileCase("negative pads", window([Bytes.ints("pads", [-1, 0, 0, 0])]), "a window of"),
        HostileCase(
            "pads of 2^63 - 1", window([Bytes.ints("pads", [.max, 0, 0, 0])]), "a window of"),
        HostileCase("three pads", window([Bytes.ints("pads", [1, 1, 1])]), "a window of"),
        HostileCase(
            "a kernel larger than the image", window([Bytes.ints("dilations", [500, 500])]),
            "expected a window that fits"),
        HostileCase("no groups", window([Bytes.attribute("group", 0)]), "in 0 groups"),
        HostileCase("groups of 2^62", window([Bytes.attribute("group", 1 << 62)]), "groups"),
        HostileCase(
            "a padding of a name", window([Bytes.attribute("auto_pad", "\u{7}")]), #"'\u{7}'"#),
        HostileCase(
            "axes that are none", node("Transpose", ["x"], [Bytes.ints("perm", [0, 0, 1, 2])]),
            "order of 4 axes"),
        HostileCase(
            "an axis of -2^63", node("Transpose", ["x"], [Bytes.ints("perm", [.min, 1, 2, 3])]),
            "order of 4 axes"),
        HostileCase(
            "a shape of others", node("Reshape", ["x", "k"], [], [longs("k", [1, 33])]),
            "keeps those of an image together"),
        HostileCase(
            "a shape of 2^62 squared",
            node("Reshape", ["x", "k"], [], [longs("k", [1 << 62, 1 << 62])]), "keeps those"),
        HostileCase(
            "a shape of two open sizes", node("Reshape", ["x", "k"], [], [longs("k", [-1, -1])]),
            "keeps those"),
        HostileCase(
            "a constant of 2^40 elements",
            node("ConstantOfShape", ["k"], [], [longs("k", [1 << 20, 1 << 20])]), "shapes, axes"),
        HostileCase(
            "a constant of 2^26 elements",
            node("ConstantOfShape", ["k"], [], [longs("k", [1 << 13, 1 << 13])]), "about as many"),
        HostileCase(
            "two constants of 2^13 by 2^13",
            Bytes.file(
                [
                    Bytes.node("Reshape", ["w", "k"], "r"),
                    Bytes.node("Expand", ["w", "m"], "y"),
                ], [longs("k", [54, 1]), longs("m", [1 << 13, 1 << 13, 3, 2, 3, 3])]),
            "expected shapes that fit"),
        HostileCase(
            "a division by 0",
            Bytes.file([Bytes.node("Div", ["k", "z"], "y")], [longs("k", [1]), longs("z", [0])]),
            "found a 0"),
        HostileCase(
            "a cast that does not fit",
            Bytes.file(
                [Bytes.node("Cast", ["k"], "y", [Bytes.attribute("to", 6)])],
                [Bytes.tensor("k", [1], raw: Bytes.floats([1e30]))]), "the type of the Cast"),
        HostileCase(
            "a comparison with NaN",
            node("Greater", ["x", "k"], [], [Bytes.tensor("k", [], raw: Bytes.floats([.nan]))]),
            "found a NaN"),
        HostileCase(
            "a product with infinity",
            node("Mul", ["x", "k"], [], [Bytes.tensor("k", [], raw: Bytes.floats([.infinity]))]),
            "expected finite numbers"),
        HostileCase(
            "a constant of pixels",
            node(
                "Add", ["x", "k"], [],
                [Bytes.tensor("k", [4, 4], raw: Bytes.floats([Float](repeating: 1, count: 16)))]),
            "one a channel"),
        HostileCase("truth values as logits", node("Not"), "a comparison with one end"),
        HostileCase("an image as logits", node("Relu"), "expected logits [N, K]"),
        HostileCase(
            "a constant as logits", Bytes.file([Bytes.node("Neg", ["w"], "y")]),
            "depends on the image"),
        HostileCase(
            "a padding nobody takes in",
            Bytes.file(
                [
                    Bytes.node("Pad", ["x", "k"], "p"), Bytes.node("Relu", ["p"], "y"),
                ], [longs("k", [0, 0, 1, 1, 0, 0, 1, 1])]), "in front of a convolution"),
        HostileCase(
            "a padding of 2^62",
            node("Pad", ["x", "k"], [], [longs("k", [0, 0, 1 << 62, 0, 0, 0, 0, 0])]),
            "rows and columns"),
        HostileCase("a Softmax of pixels", node("Softmax"), "a Softmax of the classes"),
        HostileCase(
            "a Softmax that is read",
            Bytes.file {
                $0.nodes[3] = Bytes.node("Flatten", ["c"], "f")
                $0.nodes += [Bytes.node("Softmax", ["f"], "y"), Bytes.node("Relu", ["y"], "z")]
            }, "a Softmax of the classes"),
    ]

    @Test func `files that lie are refused`() {
        let all = Self.wire + Self.tensors + Self.graphs + Self.operators
        #expect(all.count >= 60)
        for hostile in all { hostile.expectRefusal(by: Self.read) }
    }

    @Test func `the file that the others are changed from is read`() throws {
        let model = try ONNXImport(Bytes.file(), place: "right")
        #expect(model.nodeCount == 4 && model.bitLayerCount == 0)
        #expect(
            model.file.metadata.graph.nodes.map(\.operation.kind)
                == [.convolution, .relu, .globalAveragePool])
    }

    @Test func `a right file is refused when cut at any byte`() {
        let whole = Bytes.file()
        for count in whole.indices {
            #expect(throws: InteropError.self, "\(count) bytes") {
                try Self.read(Array(whole[..<count]))
            }
        }
    }

    /// What is read of a damaged file has no more numbers than the file has bytes, and a few.
    private func expectBounded(_ bytes: [UInt8], _ comment: Comment) {
        guard let read = try? ONNXImport(bytes, place: "changed") else { return }
        let count = read.file.tensors.values.reduce(0) { $0 + $1.bytes.count / 4 }
        #expect(count <= 8 * bytes.count + 1 << 22, comment)
    }

    @Test func `a right file never traps when a byte is another`() {
        let whole = Bytes.file()
        for index in whole.indices {
            for bit in [UInt8(0x01), 0x80, 0xFF] {
                var changed = whole
                changed[index] ^= bit
                expectBounded(changed, "byte \(index)")
            }
        }
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `exported models never trap when bytes are others`(seed: UInt64) throws {
        let whole = try ONNXExport(RandomModels.model(seed: seed, depth: 6)).bytes
        var generator = SeededGenerator(seed: seed)
        for round in 0..<60 {
            var changed = whole
            for _ in 0..<generator.integer(1...4) {
                changed[generator.integer(0...changed.count - 1)] = UInt8(
                    generator.integer(0...255))
            }
            expectBounded(changed, "seed \(seed), round \(round)")
        }
    }
}
