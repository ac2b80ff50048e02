import BONNModelFormat
import BONNTestSupport
import Testing

@testable import BONNRuntime

/// A session that divides every step, however small, among its threads.
func eagerSession(
    _ model: Model, threads: Int, batch: Int
) throws(RuntimeError) -> InferenceSession {
    let plan = ExecutionPlan(model, images: batch, threads: threads)
    return InferenceSession(
        model, threads: threads, batch: batch,
        engine: try Engine(plan, kernels: model.kernels, threads: threads, grain: 1))
}

private actor SessionOwner {
    private var session: InferenceSession

    init(_ session: consuming InferenceSession) { self.session = session }

    func run(_ image: [Float]) throws -> [Float] { try session.run(image) }
}

@Suite struct SessionTests {
    @Test func `any number of threads gives the same bits`() throws {
        for seed in 200..<260 as Range<UInt64> {
            let file = RandomModels.model(seed: seed)
            var generator = SeededGenerator(seed: seed)
            let images = (0..<3).flatMap { _ in RandomModels.image(for: file, &generator) }
            for kernels in KernelSet.available {
                let model = try Model(file, kernels: kernels)
                var single = try InferenceSession(model, batch: 3)
                let expected = try single.run(images).map(\.bitPattern)
                for threads in [1, 2, 3, 5] {
                    var session = try eagerSession(model, threads: threads, batch: 3)
                    for run in 0..<3 {
                        let logits = try session.run(images).map(\.bitPattern)
                        #expect(
                            logits == expected,
                            "seed \(seed), \(kernels), \(threads) threads, run \(run)")
                    }
                }
            }
        }
    }

    @Test func `a batch gives what its images give one by one`() throws {
        for seed in 300..<340 as Range<UInt64> {
            let file = RandomModels.model(seed: seed)
            let model = try Model(file)
            var generator = SeededGenerator(seed: seed)
            let images = (0..<5).map { _ in RandomModels.image(for: file, &generator) }
            var single = try InferenceSession(model)
            var batched = try InferenceSession(model, batch: 5)
            var expected: [UInt32] = []
            for image in images { expected += try single.run(image).map(\.bitPattern) }
            for count in [5, 1, 4] {
                let input = images.prefix(count).flatMap(\.self)
                let logits = try batched.run(input).map(\.bitPattern)
                #expect(
                    logits == Array(expected.prefix(count * model.classCount)),
                    "seed \(seed), \(count) images")
            }
        }
    }

    @Test func `NaN and infinite inputs give what the reference gives`() throws {
        for seed in 400..<440 as Range<UInt64> {
            let file = RandomModels.model(seed: seed)
            guard file.metadata.graph.input.element == .real else { continue }
            var generator = SeededGenerator(seed: seed)
            let image = RandomModels.image(for: file, &generator).map { value in
                generator.oneIn(20) ? generator.pick([.nan, .infinity, -.infinity]) : value
            }
            let expected = ReferenceInterpreter(file).values(of: image)
            for kernels in KernelSet.available {
                let names = file.metadata.graph.nodes.map(\.name)
                var session = try InferenceSession(
                    try Model(file, kernels: kernels, exposing: names))
                let values = try session.values(of: names, input: image)
                for name in names {
                    #expect(
                        areEqual(values[name]!, expected[name]!.values),
                        "seed \(seed), \(kernels), value \(name)")
                }
            }
        }
    }

    @Test func `sessions on one model run at the same time`() async throws {
        let file = RandomModels.model(seed: 7, depth: 20)
        let model = try Model(file)
        var generator = SeededGenerator(seed: 7)
        let images = (0..<8).map { _ in RandomModels.image(for: file, &generator) }
        let output = file.metadata.graph.output
        let expected = images.map { ReferenceInterpreter(file).values(of: $0)[output]!.values }
        try await withThrowingTaskGroup(of: [Bool].self) { group in
            for (image, logits) in zip(images, expected) {
                group.addTask {
                    var session = try eagerSession(model, threads: 2, batch: 1)
                    return try (0..<40).map { _ in areEqual(try session.run(image), logits) }
                }
            }
            for try await isEqual in group { #expect(!isEqual.contains(false)) }
        }
    }

    @Test func `a session can be handed to another task`() async throws {
        let file = RandomModels.model(seed: 9)
        var generator = SeededGenerator(seed: 9)
        let image = RandomModels.image(for: file, &generator)
        let output = file.metadata.graph.output
        let expected = ReferenceInterpreter(file).values(of: image)[output]!.values
        let owner = SessionOwner(try InferenceSession(try Model(file), threads: 2))
        #expect(areEqual(try await owner.run(image), expected))
    }

    @Test func `pixels may come as bytes or as whole numbers`() throws {
        var builder = ModelBuilder(seed: 5, input: Shape(3, 6, 7), element: .byte)
        let stem = builder.convolution(
            "input", outputs: 9, window: Window(3, stride: 2, padding: 1), weights: .bytes)
        let means = builder.globalAveragePool(stem)
        let logits = builder.linear(means, outputs: 4)
        let file = builder.model(output: logits)
        var session = try InferenceSession(try Model(file), batch: 2)
        let pixels = (0..<2 * 126).map { _ in UInt8(builder.generator.integer(0...255)) }
        let result = try session.run(bytes: pixels)
        #expect(try session.run(pixels.map(Float.init)) == result)
        let first = ReferenceInterpreter(file).values(of: pixels.prefix(126).map(Float.init))
        #expect(areEqual(Array(result.prefix(4)), first[logits]!.values))
    }

    /// A network that reads images, and how they become numbers.
    private static func picture(
        _ channels: Preprocessing.Channels, element: ElementType = .real
    ) -> ModelFile {
        let count = channels == .rgb ? 3 : 1
        var builder = ModelBuilder(seed: 12, input: Shape(count, 9, 7), element: element)
        let stem = builder.convolution("input", outputs: 10, window: Window(3, padding: 1))
        let means = builder.globalAveragePool(builder.prelu(stem))
        let logits = builder.linear(means, outputs: 4)
        var file = builder.model(output: logits)
        let isByte = element == .byte
        file.metadata.preprocessing = Preprocessing(
            width: 7, height: 9, resize: .none, channels: channels,
            mean: isByte
                ? [Float](repeating: 0, count: count)
                : Array([0.485, 0.456, 0.406].prefix(count)),
            std: isByte
                ? [Float](repeating: 1, count: count)
                : Array([0.229, 0.224, 0.225].prefix(count)))
        return file
    }

    @Test(arguments: Preprocessing.Channels.allCases, [ElementType.real, .byte])
    func `pixels as they lie give the bits of the planes that they are`(
        channels: Preprocessing.Channels, element: ElementType
    ) throws {
        let file = Self.picture(channels, element: element)
        try file.validate()
        let rule = try #require(file.metadata.preprocessing)
        let (count, area) = (rule.mean.count, 63)
        var generator = SeededGenerator(seed: 13)
        // Every value of a byte, and others.
        let pixels = (0..<4 * area * count).map {
            UInt8($0 < 256 ? $0 : generator.integer(0...255))
        }
        var planes: [Float] = []
        for image in 0..<4 {
            for channel in 0..<count {
                let factor: Float = 1 / (255 * rule.std[channel])
                let offset: Float = -rule.mean[channel] / rule.std[channel]
                for pixel in 0..<area {
                    let value = Float(pixels[(image * area + pixel) * count + channel])
                    let product: Float = value * factor
                    planes.append(element == .byte ? value : product + offset)
                }
            }
        }
        for kernels in KernelSet.available {
            let model = try Model(file, kernels: kernels)
            for threads in [1, 2, 5] {
                var session = try eagerSession(model, threads: threads, batch: 4)
                for images in [4, 1, 3] {
                    let size = images * area * count
                    let expected = try session.run(Array(planes.prefix(size)))
                    let found = try session.run(pixels: Array(pixels.prefix(size)))
                    #expect(
                        found.map(\.bitPattern) == expected.map(\.bitPattern),
                        "\(images) images, \(kernels), \(threads) threads")
                }
            }
        }
    }

    @Test func `pixels are refused where nothing says what they become, and in a wrong number`()
        throws
    {
        var file = Self.picture(.rgb)
        var session = try InferenceSession(Model(file))
        do {
            _ = try session.run(pixels: [UInt8](repeating: 0, count: 190))
            Issue.record("190 samples were taken for an image of 189")
        } catch {
            #expect(error.code == .wrongLength)
        }
        file.metadata.preprocessing?.std = [1]
        for rule in [file.metadata.preprocessing, nil] {
            file.metadata.preprocessing = rule
            var session = try InferenceSession(Model(file))
            do {
                _ = try session.run(pixels: [UInt8](repeating: 0, count: 189))
                Issue.record("pixels were taken without a rule")
            } catch {
                #expect(error.code == .wrongElement)
                #expect(error.message.contains("found one without preprocessing"))
            }
        }
    }

    @Test func `logits can be written into memory of the caller`() throws {
        let file = RandomModels.model(seed: 11)
        var generator = SeededGenerator(seed: 11)
        let input = (0..<2).flatMap { _ in RandomModels.image(for: file, &generator) }
        var session = try InferenceSession(try Model(file), batch: 2)
        let expected = try session.run(input)
        var logits = [Float](repeating: .nan, count: expected.count + 1)
        var span = logits.mutableSpan
        try session.run(input.span, into: &span)
        #expect(areEqual(logits, expected + [.nan]))
    }

    @Test func `integer logits are given as real numbers`() throws {
        var builder = ModelBuilder(seed: 6, input: Shape(70, 1, 1))
        let bits = builder.threshold("input")
        let sums = builder.binaryLinear(bits, outputs: 3, scale: .none)
        let file = builder.model(output: sums)
        let image = builder.generator.reals(70)
        var session = try InferenceSession(try Model(file))
        #expect(session.model.classCount == 3)
        let expected = ReferenceInterpreter(file).values(of: image)[sums]!.values
        #expect(try session.run(image) == expected)
    }

    @Test func `a profile names every node and counts its multiply-accumulates`() throws {
        var builder = ModelBuilder(seed: 8, input: Shape(3, 8, 8))
        let stem = builder.convolution("input", outputs: 6, window: Window(3, padding: 1))
        let bits = builder.threshold(stem)
        let body = builder.binaryConvolution(
            bits, outputs: 4, window: Window(3, stride: 2, padding: 1), groups: 2)
        let means = builder.globalAveragePool(body)
        let logits = builder.linear(means, outputs: 5)
        var session = try InferenceSession(
            try Model(builder.model(output: logits)), threads: 2, batch: 2)
        let layers = try session.profile(builder.generator.reals(2 * 192), runs: 3)
        #expect(layers.map(\.name) == [stem, body, body, means, logits])
        #expect(
            layers.map(\.operation) == [
                "convolution+threshold", "regroup", "binary_convolution", "global_average_pool",
                "linear",
            ])
        #expect(layers.map(\.realMACs) == [2 * 6 * 64 * 27, 0, 0, 0, 2 * 20])
        #expect(layers.map(\.binaryMACs) == [0, 0, 2 * 4 * 16 * 27, 0, 0])
        #expect(layers.allSatisfy { $0.nanoseconds >= 0 })
    }
}
