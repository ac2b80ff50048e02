import BONNModelFormat
import BONNRuntime
import BONNTestSupport
import Foundation
import Testing

@Suite struct LoadingTests {
    private static func write(_ bytes: some Sequence<UInt8>, _ url: URL) throws {
        try Data(bytes).write(to: url)
    }

    private static func error(_ body: () throws(RuntimeError) -> Void) -> RuntimeError? {
        do {
            try body()
            return nil
        } catch {
            return error
        }
    }

    private static func loadingError(_ path: String) -> RuntimeError? {
        error { () throws(RuntimeError) in _ = try Model(path: path) }
    }

    @Test func `a model is loaded from its file`() throws {
        let file = RandomModels.model(seed: 3)
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "network.bonn")
            try Self.write(file.serialized(), url)
            let model = try Model(path: url.path)
            #expect(model.metadata == file.metadata)
            #expect(model.inputShape == file.metadata.graph.input.shape)
            var generator = SeededGenerator(seed: 3)
            let image = RandomModels.image(for: file, &generator)
            var session = try InferenceSession(model)
            let output = file.metadata.graph.output
            let expected = ReferenceInterpreter(file).values(of: image)[output]!.values
            #expect(areEqual(try session.run(image), expected))
        }
    }

    @Test func `a missing file is named`() throws {
        let error = try #require(Self.loadingError("/nowhere/network.bonn"))
        #expect(error.code == .fileNotFound)
        #expect(error.message == "/nowhere/network.bonn: No such file or directory")
    }

    @Test func `a directory and a device are not model files`() throws {
        try withTemporaryFolder { folder in
            let error = try #require(Self.loadingError(folder.path))
            #expect(error.code == .notAFile)
            #expect(error.message.contains("is a directory"))
        }
        #expect(Self.loadingError("/dev/zero")?.code == .notAFile)
    }

    @Test func `a file cut at any byte is refused`() throws {
        let bytes = try RandomModels.model(seed: 4, depth: 3).serialized()
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "cut.bonn")
            for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 200)) {
                try Self.write(bytes.prefix(count), url)
                let error = try #require(Self.loadingError(url.path), "cut at byte \(count)")
                #expect(error.code == .invalidModel, "cut at byte \(count)")
                #expect(error.message.hasPrefix(url.path + ": "), "cut at byte \(count)")
            }
        }
    }

    @Test func `an invalid model in memory is refused`() throws {
        var file = RandomModels.model(seed: 5)
        file.metadata.graph.output = "nothing"
        let error = Self.error { () throws(RuntimeError) in _ = try Model(file) }
        #expect(error?.code == .invalidModel)
        #expect(error?.message.contains("nothing") == true)
    }

    @Test func `an input of the wrong length is refused with the shape`() throws {
        var builder = ModelBuilder(seed: 1, input: Shape(3, 4, 5))
        let means = builder.globalAveragePool("input")
        let model = try Model(builder.model(output: means))
        for count in [0, 1, 59, 61, 180] {
            let error = Self.error { () throws(RuntimeError) in
                var session = try InferenceSession(model, batch: 2)
                _ = try session.run([Float](repeating: 0, count: count))
            }
            #expect(error?.code == .wrongLength)
            #expect(
                error?.message
                    == "expected 1 to 2 images of 60 elements [3, 4, 5], found \(count) elements")
        }
        let error = Self.error { () throws(RuntimeError) in
            var session = try InferenceSession(model)
            var logits: [Float] = [0, 0]
            var span = logits.mutableSpan
            try session.run([Float](repeating: 0, count: 60).span, into: &span)
        }
        #expect(error?.code == .wrongLength)
    }

    @Test func `an input of the wrong kind is refused`() throws {
        var builder = ModelBuilder(seed: 1, input: Shape(1, 1, 2))
        let mean = builder.globalAveragePool("input")
        let real = try Model(builder.model(output: mean))
        let bytes = Self.error { () throws(RuntimeError) in
            var session = try InferenceSession(real)
            _ = try session.run(bytes: [1, 2])
        }
        #expect(bytes?.code == .wrongElement)

        builder = ModelBuilder(seed: 1, input: Shape(1, 1, 2), element: .byte)
        let stem = builder.convolution("input", outputs: 1, window: Window(1))
        let means = builder.globalAveragePool(stem)
        let pixels = try Model(builder.model(output: means))
        for value in [-1, 0.5, 256, Float.nan, .infinity] {
            let error = Self.error { () throws(RuntimeError) in
                var session = try InferenceSession(pixels)
                _ = try session.run([3, value])
            }
            #expect(error?.code == .wrongElement)
            #expect(error?.message.contains("element 1 is \(value)") == true)
        }
    }

    @Test func `options out of range and unknown values are refused`() throws {
        let model = try Model(RandomModels.model(seed: 6))
        for (threads, batch) in [(0, 1), (1_025, 1), (1, 0), (1, -3), (1, Int.max)] {
            let error = Self.error { () throws(RuntimeError) in
                _ = try InferenceSession(model, threads: threads, batch: batch)
            }
            #expect(error?.code == .invalidOption, "\(threads) threads, \(batch) images")
        }
        let input = [Float](repeating: 0, count: model.inputShape.count)
        let unknown = Self.error { () throws(RuntimeError) in
            var session = try InferenceSession(model)
            _ = try session.values(of: ["nobody"], input: input)
        }
        #expect(unknown?.code == .unknownValue)
        let runs = Self.error { () throws(RuntimeError) in
            var session = try InferenceSession(model)
            _ = try session.profile(input, runs: 0)
        }
        #expect(runs?.code == .invalidOption)
    }

    @Test(arguments: [("small", "sums"), ("gated", "gated")])
    func `the models that Python wrote give the values and logits that Python computed`(
        model name: String, value: Name
    ) throws {
        let golden = PythonInterpreter.repository
            .appending(path: "Tests/ModelFormatTests/Golden")
        let path = golden.appending(path: "\(name).bonn").path
        let bytes = Array(
            try Data(contentsOf: golden.appending(path: "\(name).expected.safetensors")))
        let expected = try Safetensors.read(bytes)
        func numbers(_ name: Name) throws -> [Float] {
            let entry = try #require(expected.tensors[name])
            let type = try #require(ModelTensor.ElementType(rawValue: entry.elementType.rawValue))
            let tensor = ModelTensor(
                elementType: type, shape: entry.shape, bytes: Array(bytes[entry.range]))
            return type == .i32 ? tensor.int32s().map(Float.init) : tensor.floats()
        }
        let input = try #require(expected.tensors["input"])
        let images = Array(bytes[input.range])
        for kernels in KernelSet.available {
            let model = try Model(path: path, kernels: kernels, exposing: [value])
            for threads in [1, 2] {
                var session = try InferenceSession(
                    model, threads: threads, batch: input.shape[0])
                #expect(try session.run(bytes: images) == numbers("logits"), "\(kernels)")
                let values = try session.values(of: [value], input: images.map(Float.init))
                #expect(try values[value] == numbers(value), "\(kernels)")
            }
        }
    }
}
