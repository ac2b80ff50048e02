import BONNInterop
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import BONNTestSupport
import Foundation
import Testing

@testable import BONNInterop

private let python = PythonInterpreter.find(importing: [
    "numpy", "onnx", "onnxruntime", "safetensors.numpy",
])
private let noPython: Comment =
    "no Python with numpy, onnx, onnxruntime and safetensors: name one in BONN_PYTHON, or run make setup"

@Suite struct ONNXExportTests {
    /// The relative difference of the logits and whether their first class is the same, once every node gave
    /// what the reference gives for the same inputs.
    private func check(
        _ model: ModelFile, image: [Float], _ comment: Comment
    ) throws -> (difference: Double, isSameClass: Bool) {
        let values = ReferenceInterpreter(model).values(of: image)
        return try check(model, values.mapValues(\.values), comment)
    }

    private func check(
        _ model: ModelFile, _ values: [Name: [Float]], _ comment: Comment
    ) throws -> (difference: Double, isSameClass: Bool) {
        try NodeByNode(python: python, script: "ONNX/Out/check.py").check(
            model, [("model.onnx", try ONNXExport(model).bytes)], values, comment)
    }

    @Test(.enabled(if: python != nil, noPython), arguments: 1...24 as ClosedRange<UInt64>)
    func `every node of a random model gives in ONNX Runtime what it gives here`(seed: UInt64)
        throws
    {
        let model =
            seed % 6 == 0 ? RandomModels.modelWithStem(seed: seed) : RandomModels.model(seed: seed)
        var generator = SeededGenerator(seed: seed)
        _ = try check(
            model, image: RandomModels.image(for: model, &generator), "seed \(seed)")
    }

    @Test func `the random models have every operation`() {
        var kinds: Set<BONNModelFormat.Operation.Kind> = []
        for seed in 1...24 as ClosedRange<UInt64> {
            let model =
                seed % 6 == 0
                ? RandomModels.modelWithStem(seed: seed) : RandomModels.model(seed: seed)
            kinds.formUnion(model.metadata.graph.nodes.map(\.operation.kind))
        }
        #expect(kinds == Set(BONNModelFormat.Operation.Kind.allCases))
    }

    /// A pixel of bytes decides bits: nothing real is left whose rounding could differ.
    @Test(.enabled(if: python != nil, noPython), arguments: 1...4 as ClosedRange<UInt64>)
    func `a network of bits gives the same logits to the last bit`(seed: UInt64) throws {
        var builder = ModelBuilder(seed: seed, input: Shape(5, 12, 11), element: .byte)
        var x = builder.threshold("input")
        for padding in PaddingValue.allCases {
            x = builder.binaryConvolution(
                x, outputs: 66, window: Window(3, padding: 1), padding: padding, scale: .none)
            x = builder.threshold(x)
        }
        x = builder.maxPool(x, Window(2, stride: 2))
        x = builder.binaryConvolution(
            x, outputs: 70, window: Window(3, padding: 1), scale: .channelAndBias)
        x = builder.threshold(builder.prelu(builder.batchNorm(x)))
        x = builder.binaryLinear(builder.flatten(x), outputs: 10, scale: .channelAndBias)
        let model = builder.model(output: x)
        var generator = SeededGenerator(seed: seed)
        let image = RandomModels.image(for: model, &generator)
        let result = try check(model, image: image, "seed \(seed)")
        #expect(result.difference == 0, "seed \(seed)")
        #expect(result.isSameClass, "seed \(seed)")
    }

    /// Where a bit lies near to its threshold, the sums of another order may turn it; with these seeds none does.
    @Test(
        .enabled(if: python != nil, noPython),
        arguments: [
            ("wrn22", 32, [16, 16, 32, 64]), ("resnet18", 64, [64, 64, 64, 64, 64]),
            ("quicknet-small", 64, [32, 64, 64, 96]),
        ], [false, true])
    func `published networks give the logits of the runtime`(
        network: (name: String, side: Int, widths: [Int]), isInt8: Bool
    ) throws {
        let entry = try #require(Networks.named(network.name))
        let plan = try entry.plan(
            input: Shape(3, network.side, network.side), classes: 10, widths: network.widths,
            style: BONNBlock())
        let model = try PlanLowering(plan, weights: SeededWeights(plan: plan, isInt8: isInt8)).file
        let graph = model.metadata.graph
        let names = graph.nodes.map(\.name)
        var session = try InferenceSession(try Model(model, exposing: names))
        for seed in 1...2 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let image = generator.reals(graph.input.shape.count)
            var values = try session.values(of: names, input: image)
            values[graph.input.name] = image
            let comment: Comment = "\(network.name), int8 \(isInt8), seed \(seed)"
            let result = try check(model, values, comment)
            #expect(result.difference <= 1e-4, comment)
            #expect(result.isSameClass, comment)
        }
    }

    /// 127 * 128 * 4000 is above 2^24.
    @Test(.enabled(if: python != nil, noPython))
    func `sums of signed bytes that float32 does not hold are exact`() throws {
        var builder = ModelBuilder(seed: 3, input: Shape(4000, 1, 1))
        let x = builder.linear(builder.quantize("input"), outputs: 7, weights: .bytes)
        let model = builder.model(output: x)
        let image = [Float](repeating: 2, count: 4000)
        #expect(try check(model, image: image, "seed 3").difference == 0)
    }

    @Test func `the same model gives the same bytes`() throws {
        let model = RandomModels.model(seed: 5)
        #expect(try ONNXExport(model).bytes == ONNXExport(model).bytes)
    }

    @Test func `weights beyond the limit of a file are refused before they are made`() throws {
        var builder = ModelBuilder(seed: 1, input: Shape(8, 4, 4))
        let x = builder.convolution("input", outputs: 4, window: Window(4))
        let model = builder.model(output: x)
        let error = #expect(throws: InteropError.self) {
            try ONNXExport(model, maximumConstantBytes: 4 * 4 * 8 * 16 - 1)
        }
        #expect(error?.code == .limitExceeded)
        #expect(error?.message.contains("0_convolution") == true)
        #expect(throws: Never.self) {
            try ONNXExport(model, maximumConstantBytes: 4 * 4 * 8 * 16)
        }
    }
}
