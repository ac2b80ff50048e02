import BONNInterop
import BONNModelFormat
import BONNRuntime
import BONNTestSupport
import Testing

/// What each form of a sign gives on its threshold, beside it, and at both zeros.
@Suite struct SignTests {
    private typealias Bytes = ONNXBytes

    /// A number beside, on and around the threshold, each in a channel of its own.
    private static let threshold: Float = 0.25
    private static let around: [Float] = [
        threshold.nextDown, threshold, threshold.nextUp, -0.0, 0, -.leastNonzeroMagnitude,
        .leastNonzeroMagnitude, -3, 3,
    ]

    private static func scalar(_ name: String, _ value: Float) -> [UInt8] {
        Bytes.tensor(name, [], raw: Bytes.floats([value]))
    }

    /// A graph of nodes from `x` to `s`, and a convolution of each channel by itself behind them, as a model's logits.
    private func logits(
        _ nodes: [[UInt8]], signOfZero: SignOfZero? = nil, weight: Float = 1
    ) throws -> (values: [Float], bitLayers: Int) {
        let count = Self.around.count
        let ones = [Float](repeating: weight, count: count)
        let bytes = Bytes.file {
            $0.nodes =
                nodes + [
                    Bytes.node("Conv", ["s", "ones"], "c", [Bytes.attribute("group", count)]),
                    Bytes.node("Flatten", ["c"], "y"),
                ]
            $0.tensors = [
                Bytes.tensor("ones", [count, 1, 1, 1], raw: Bytes.floats(ones)),
                Self.scalar("t", Self.threshold), Self.scalar("zero", 0), Self.scalar("one", 1),
                Self.scalar("minus", -1), Self.scalar("two", 2), Self.scalar("three", 3),
                Self.scalar("tenth", 0.1),
                Bytes.tensor(
                    "each", [1, count, 1, 1],
                    raw: Bytes.floats([Float](repeating: Self.threshold, count: count))),
            ]
            $0.inputs = [Bytes.port("x", [nil, count, 1, 1])]
            $0.outputs = [Bytes.port("y", [nil, count])]
        }
        var options = ONNXImport.Options()
        options.signOfZero = signOfZero
        let model = try ONNXImport(bytes, place: "sign", options: options)
        var session = try InferenceSession(try Model(model.file))
        return (try session.run(Self.around), model.bitLayerCount)
    }

    private func node(_ operation: String, _ inputs: [String], _ output: String) -> [UInt8] {
        Bytes.node(operation, inputs, output)
    }

    @Test func `comparisons are exact, whatever is written around them`() throws {
        let (t, cast) = (Self.threshold, [Bytes.attribute("to", 1)])
        let choose = node("Where", ["m", "one", "minus"], "s")
        let cases: [(name: String, nodes: [[UInt8]], expected: (Float) -> Float)] = [
            (">=", [node("GreaterOrEqual", ["x", "t"], "m"), choose], { $0 >= t ? 1 : -1 }),
            (">", [node("Greater", ["x", "t"], "m"), choose], { $0 > t ? 1 : -1 }),
            ("<", [node("Less", ["x", "t"], "m"), choose], { $0 < t ? 1 : -1 }),
            ("<=", [node("LessOrEqual", ["x", "t"], "m"), choose], { $0 <= t ? 1 : -1 }),
            ("t >", [node("Greater", ["t", "x"], "m"), choose], { t > $0 ? 1 : -1 }),
            ("t <=", [node("LessOrEqual", ["t", "x"], "m"), choose], { t <= $0 ? 1 : -1 }),
            (
                "of each channel", [node("GreaterOrEqual", ["x", "each"], "m"), choose],
                { $0 >= t ? 1 : -1 }
            ),
            (
                "not", [node("LessOrEqual", ["x", "t"], "n"), node("Not", ["n"], "m"), choose],
                { $0 > t ? 1 : -1 }
            ),
            ("> 0", [node("Greater", ["x", "zero"], "m"), choose], { $0 > 0 ? 1 : -1 }),
            (
                "of a difference",
                [
                    node("Sub", ["x", "t"], "d"), node("GreaterOrEqual", ["d", "zero"], "m"),
                    choose,
                ], { $0 - t >= 0 ? 1 : -1 }
            ),
            (
                "turned by a product",
                [
                    node("Mul", ["x", "minus"], "d"), node("Greater", ["d", "zero"], "m"), choose,
                ], { -$0 > 0 ? 1 : -1 }
            ),
            (
                "turned levels",
                [node("Less", ["x", "t"], "m"), node("Where", ["m", "minus", "one"], "s")],
                { $0 < t ? -1 : 1 }
            ),
            (
                "bits of 0 and 1",
                [node("Greater", ["x", "t"], "m"), node("Where", ["m", "one", "zero"], "s")],
                { $0 > t ? 1 : 0 }
            ),
            (
                "bits of 1 and 0",
                [node("Greater", ["x", "t"], "m"), node("Where", ["m", "zero", "one"], "s")],
                { $0 > t ? 0 : 1 }
            ),
            (
                "2 cast - 1",
                [
                    node("Greater", ["x", "t"], "m"), Bytes.node("Cast", ["m"], "f", cast),
                    node("Mul", ["f", "two"], "d"), node("Sub", ["d", "one"], "s"),
                ], { $0 > t ? 1 : -1 }
            ),
            (
                "any two numbers",
                [
                    node("GreaterOrEqual", ["x", "t"], "m"),
                    node("Where", ["m", "three", "minus"], "s"),
                ],
                { $0 >= t ? 3 : -1 }
            ),
            (
                "ste_sign",
                [
                    node("Sign", ["x"], "a"), node("Add", ["a", "tenth"], "b"),
                    node("Sign", ["b"], "s"),
                ], { $0 >= 0 ? 1 : -1 }
            ),
            (
                "BipolarQuant",
                [Bytes.node("BipolarQuant", ["x", "three"], "s", domain: "onnx.brevitas")],
                { $0 >= 0 ? 3 : -3 }
            ),
        ]
        for (name, nodes, expected) in cases {
            let found = try logits(nodes)
            #expect(found.values == Self.around.map(expected), "\(name)")
            #expect(found.bitLayers == 1, "\(name)")
        }
    }

    @Test func `a Sign at 0 is what was chosen, and nothing else changes`() throws {
        let nodes = [node("Sign", ["x"], "s")]
        let error = #expect(throws: InteropError.self) { try logits(nodes) }
        #expect(error?.code == .unsupported)
        #expect(
            try logits(nodes, signOfZero: .plus).values == Self.around.map { $0 >= 0 ? 1 : -1 })
        #expect(
            try logits(nodes, signOfZero: .minus).values == Self.around.map { $0 > 0 ? 1 : -1 })
    }

    @Test func `weights of one size become the scale, of either sign`() throws {
        let nodes = [
            node("GreaterOrEqual", ["x", "t"], "m"), node("Where", ["m", "one", "minus"], "s"),
        ]
        let expected = Self.around.map { $0 >= Self.threshold ? Float(-0.375) : 0.375 }
        #expect(try logits(nodes, weight: -0.375).values == expected)
    }

    @Test func `an interval with two ends is no bit`() throws {
        let nodes = [
            node("Greater", ["x", "zero"], "a"), node("Less", ["x", "t"], "b"),
            node("And", ["a", "b"], "m"), node("Where", ["m", "one", "minus"], "s"),
        ]
        let error = #expect(throws: InteropError.self) { try logits(nodes) }
        #expect(error?.message.contains("a comparison with one end") == true)
    }
}
