import BONNModelFormat
import BONNRuntime
import BONNTestSupport
import Testing

/// Valid models that ask for too much, and large ones that do not.
@Suite struct ResourceLimitTests {
    private static func refusal(_ body: () throws(RuntimeError) -> Void) -> RuntimeError? {
        do throws(RuntimeError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    /// Loads a model, makes a session and runs it once.
    private static func run(_ file: ModelFile, limits: ResourceLimits = .standard) -> RuntimeError?
    {
        refusal { () throws(RuntimeError) in
            let model = try Model(file, limits: limits)
            var session = try InferenceSession(model)
            _ = try session.run([Float](repeating: 0, count: model.inputShape.count))
        }
    }

    private static func file(
        _ shape: Shape, _ element: ElementType, _ nodes: [Node], _ tensors: [Name: ModelTensor]
    ) -> ModelFile {
        ModelFile(
            metadata: ModelMetadata(
                graph: Graph(
                    input: GraphInput(name: "x", shape: shape, element: element), nodes: nodes,
                    output: nodes[nodes.count - 1].name)), tensors: tensors)
    }

    private static let pool = Node("g", .globalAveragePool, inputs: ["c"])
    private static let one = ModelTensor(f32: [1], shape: [1])

    private static func bytes(_ shape: [Int]) -> ModelTensor {
        ModelTensor(i8: [Int8](repeating: 1, count: shape.reduce(1, *)), shape: shape)
    }

    @Test func `a tensor that a hundred nodes read is packed once`() throws {
        let inputs = 400_000
        let nodes = (0..<100).map {
            Node("n\($0)", .linear(Linear(weight: "w", weightScale: "s")), inputs: ["x"])
        }
        let file = Self.file(
            Shape(inputs, 1, 1), .real, nodes, ["w": Self.bytes([1, inputs]), "s": Self.one])
        // 400,000 weights in blocks of 16 lanes take 26 MB; a hundred times that is refused.
        #expect(
            Self.refusal { () throws(RuntimeError) in
                _ = try Model(file, limits: ResourceLimits(modelBytes: 30_000_000))
            } == nil)
    }

    @Test func `packed weights, scratch, values and work beyond the limits are refused`() throws {
        let tall = Convolution(
            window: Window(
                height: 100, width: 1, strideHeight: 1, strideWidth: 1, padTop: 99, padBottom: 0,
                padLeft: 0, padRight: 0), weight: "w", weightScale: "s")
        let scratch = Self.file(
            Shape(1024, 1, 65_535), .byte,
            [Node("c", .convolution(tall), inputs: ["x"]), Self.pool],
            ["w": Self.bytes([1, 1024, 100, 1]), "s": Self.one])
        #expect(Self.run(scratch)?.code == .limitExceeded)
        // Allowed to work as long as it likes, it still gets no such memory.
        #expect(Self.run(scratch, limits: ResourceLimits(work: .max))?.code == .limitExceeded)

        let wide = Convolution(
            window: Window(
                height: 500, width: 500, strideHeight: 1, strideWidth: 1, padTop: 250,
                padBottom: 249,
                padLeft: 250, padRight: 249), weight: "w", weightScale: "s")
        let work = Self.file(
            Shape(1, 4096, 4096), .real, [Node("c", .convolution(wide), inputs: ["x"]), Self.pool],
            ["w": Self.bytes([1, 1, 500, 500]), "s": Self.one])
        let error = try #require(Self.run(work))
        #expect(error.code == .limitExceeded)
        #expect(error.message.contains("'c'") && error.message.contains("ResourceLimits.work"))

        let values = Self.file(
            Shape(1, 8192, 8192), .real,
            [Node("c", .maxPool(Pool(window: Window(1, stride: 1))), inputs: ["x"]), Self.pool], [:]
        )
        #expect(Self.run(values)?.message.contains("ResourceLimits") == true)

        let weights = Self.file(
            Shape(2_200_000, 1, 1), .real,
            [Node("n", .linear(Linear(weight: "w", weightScale: "s")), inputs: ["x"])],
            ["w": Self.bytes([1, 2_200_000]), "s": Self.one])
        #expect(Self.run(weights)?.message.contains("ResourceLimits.modelBytes") == true)
        #expect(Self.run(weights, limits: .unlimited) == nil)
    }

    @Test func `signs that become real weights count as what they become`() throws {
        func file(_ inputs: Int) -> ModelFile {
            let words = BitLayout.words(forChannels: inputs)
            return Self.file(
                Shape(inputs, 1, 1), .real,
                [Node("n", .linear(Linear(weight: "w", weightScale: "s")), inputs: ["x"])],
                [
                    "w": ModelTensor(
                        u64: [UInt64](repeating: 0, count: words), shape: [1, words]),
                    "s": Self.one,
                ])
        }
        // 64 bytes of signs and 15 absent outputs: 512 times 64 bytes.
        let bytes = 512 * 64
        #expect(Self.run(file(512), limits: ResourceLimits(modelBytes: bytes + 64)) == nil)
        let error = try #require(
            Self.run(file(512), limits: ResourceLimits(modelBytes: bytes - 1)))
        #expect(error.code == .limitExceeded)
        #expect(error.message.contains("'n'") && error.message.contains("modelBytes"))
        // 275 kB of a file, 141 MB of weights.
        #expect(Self.run(file(2_200_000))?.message.contains("ResourceLimits.modelBytes") == true)
    }

    @Test func `element-wise chains and tables of many classes count as work`() throws {
        let chain = (0..<6_000).map {
            Node("n\($0)", .relu, inputs: [$0 == 0 ? "x" : "n\($0 - 1)"])
        }
        let long = Self.file(
            Shape(2, 128, 128), .real, chain + [Node("g", .globalAveragePool, inputs: ["n5999"])],
            [:])
        #expect(Self.run(long, limits: ResourceLimits(work: 1 << 30))?.code == .limitExceeded)

        let window = Window(301, padding: 150)
        let classes = Self.file(
            Shape(1, 300, 300), .real,
            [
                Node("b", .threshold(Threshold(threshold: "t", direction: "d")), inputs: ["x"]),
                Node(
                    "c",
                    .binaryConvolution(
                        BinaryConvolution(window: window, inputChannels: 1, weight: "w", scale: "s")
                    ),
                    inputs: ["b"]), Self.pool,
            ],
            [
                "t": ModelTensor(f32: [0], shape: [1]), "d": ModelTensor(i8: [1], shape: [1]),
                "w": ModelTensor(
                    u64: [UInt64](repeating: 0, count: 301 * 301), shape: [1, 301, 301, 1]),
                "s": Self.one,
            ])
        #expect(
            Self.run(classes, limits: ResourceLimits(work: .max))?.message
                .contains("ResourceLimits.loadingWork") == true)
    }

    /// The bottleneck network of He et al. (2016) with 1-bit 3x3 convolutions and everything else real.
    private static func resNet50() -> ModelFile {
        var builder = ModelBuilder(seed: 50, input: Shape(3, 224, 224))
        var x = builder.convolution("input", outputs: 64, window: Window(7, stride: 2, padding: 3))
        x = builder.maxPool(builder.relu(x), Window(3, stride: 2, padding: 1))
        for (stage, blocks) in [3, 4, 6, 3].enumerated() {
            let width = 64 << stage
            for block in 0..<blocks {
                let stride = block == 0 && stage > 0 ? 2 : 1
                let inner = builder.relu(
                    builder.convolution(x, outputs: width, window: Window(1), weights: .bytes))
                let middle = builder.relu(
                    builder.binaryConvolution(
                        builder.threshold(inner), outputs: width,
                        window: Window(3, stride: stride, padding: 1)))
                let outer = builder.convolution(
                    middle, outputs: 4 * width, window: Window(1), weights: .bytes)
                let shortcut =
                    block == 0
                    ? builder.convolution(
                        x, outputs: 4 * width, window: Window(1, stride: stride), weights: .bytes)
                    : x
                x = builder.relu(builder.add(outer, shortcut))
            }
        }
        x = builder.linear(builder.globalAveragePool(x), outputs: 1000, weights: .bytes)
        return builder.model(output: x)
    }

    @Test func `a ResNet-50 for 224 x 224 pixels in a batch of 64 is within the defaults`() throws {
        let model = try Model(Self.resNet50())
        #expect(
            Self.refusal { () throws(RuntimeError) in
                _ = try InferenceSession(model, threads: 1, batch: 64)
                _ = try InferenceSession(model, threads: 16, batch: 1)
            } == nil)
    }

    @Test func `a limit that the caller sets is obeyed to the byte`() throws {
        let file = RandomModels.model(seed: 6)
        let bytes = try InferenceSession(Model(file)).memoryBytes
        func code(_ limit: Int) -> RuntimeError.Code? {
            Self.run(file, limits: ResourceLimits(imageBytes: limit, threadBytes: 0))?.code
        }
        #expect(code(bytes) == nil)
        #expect(code(bytes - 1) == .limitExceeded)
    }
}
