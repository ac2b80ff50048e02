import BONNModelFormat
import BONNNetworks
import BONNRuntime
import BONNTestSupport
import Testing

@testable import BONNInterop

private let python = PythonInterpreter.find(importing: ["numpy", "openvino", "safetensors.numpy"])
private let noPython: Comment =
    "no Python with numpy, openvino and safetensors: name one in BONN_PYTHON, or run make setup"

@Suite struct OpenVINOExportTests {
    private func check(
        _ model: ModelFile, _ values: [Name: [Float]], _ comment: Comment
    ) throws -> (difference: Double, isSameClass: Bool) {
        let export = try OpenVINOExport(model)
        let lowering = OpenVINOLowering(
            model, try model.validate(), maximumConstantBytes: OpenVINOExport.maximumConstantBytes)
        let compiled = model.metadata.graph.nodes.filter(lowering.isCompiled).map { node in
            (node.name, lowering.bounds(node.inputs[0]).map { [$0.input] } ?? node.inputs)
        }
        return try NodeByNode(
            python: python, script: "OpenVINO/check.py", fusesProducts: true,
            compiled: Dictionary(uniqueKeysWithValues: compiled)
        ).check(
            model, [("model.xml", export.graph), ("model.bin", export.constants)], values, comment)
    }

    private func check(
        _ model: ModelFile, image: [Float], _ comment: Comment
    ) throws -> (difference: Double, isSameClass: Bool) {
        try check(model, ReferenceInterpreter(model).values(of: image).mapValues(\.values), comment)
    }

    @Test(.enabled(if: python != nil, noPython), arguments: Array(1...24) + [27, 43] as [UInt64])
    func `every node of a random model gives in OpenVINO what it gives here`(seed: UInt64) throws {
        var model =
            seed % 6 == 0 ? RandomModels.modelWithStem(seed: seed) : RandomModels.model(seed: seed)
        // Constant channels keep thresholds out of the layers that pack bits.
        if seed % 2 == 0 { model = withoutConstantChannels(model) }
        var generator = SeededGenerator(seed: seed)
        _ = try check(
            model, image: RandomModels.image(for: model, &generator), "seed \(seed)")
    }

    /// Numbers at a threshold, beside it and at zero of both signs.
    @Test(.enabled(if: python != nil, noPython))
    func `a number at its threshold is on the side where it is here`() throws {
        var builder = ModelBuilder(seed: 1, input: Shape(16, 1, 7))
        let x = builder.binaryConvolution(
            builder.threshold("input"), outputs: 24, window: Window(1), padding: .zero, scale: .none
        )
        let logits = builder.binaryLinear(
            builder.flatten(builder.threshold(x)), outputs: 5, scale: .none)
        var model = withoutConstantChannels(builder.model(output: logits))
        let name = try #require(
            model.tensors.keys.first {
                $0.text.hasSuffix("threshold") && model.tensors[$0]!.shape == [16]
            })
        var thresholds = model.tensors[name]!.floats()
        thresholds[3] = 0
        thresholds[4] = .infinity
        thresholds[5] = -0.0
        model.tensors[name] = ModelTensor(f32: thresholds, shape: [16])
        let image = thresholds.flatMap { bound -> [Float] in
            let bound = bound.isFinite ? bound : 0
            return [bound, bound.nextUp, bound.nextDown, 0, -0.0, bound + 1, bound - 1]
        }
        let result = try check(model, image: image, "ties")
        #expect(result.difference == 0)
    }

    private func withoutConstantChannels(_ model: ModelFile) -> ModelFile {
        var model = model
        for node in model.metadata.graph.nodes {
            guard case .threshold(let threshold) = node.operation else { continue }
            let directions = model.tensors[threshold.direction]!.int8s().map { $0 == 0 ? 1 : $0 }
            model.tensors[threshold.direction] = ModelTensor(
                i8: directions, shape: [directions.count])
        }
        return model
    }

    @Test(arguments: [(1, true), (2, true), (3, false)])
    func `borders that the plugin refuses are left to real convolutions`(
        padding: Int, isCompiled: Bool
    ) throws {
        var builder = ModelBuilder(seed: 1, input: Shape(8, 5, 5))
        let x = builder.binaryConvolution(
            builder.threshold("input"), outputs: 4, window: Window(3, padding: padding),
            padding: .zero)
        let logits = builder.linear(builder.flatten(x), outputs: 2)
        let model = builder.model(output: logits)
        #expect(try OpenVINOExport(model).binaryLayers == (isCompiled ? 1 : 0))
    }

    /// A pixel of bytes decides bits: nothing real is left whose rounding could differ.
    @Test(.enabled(if: python != nil, noPython), arguments: 1...4 as ClosedRange<UInt64>)
    func `a network of bits gives the same sums to the last bit`(seed: UInt64) throws {
        var builder = ModelBuilder(seed: seed, input: Shape(8, 12, 11), element: .byte)
        var x = builder.threshold("input")
        for (padding, outputs) in zip(PaddingValue.allCases, [72, 66, 40]) {
            x = builder.binaryConvolution(
                x, outputs: outputs, window: Window(3, padding: 1), padding: padding, scale: .none)
            x = builder.threshold(x)
        }
        x = builder.maxPool(x, Window(2, stride: 2))
        x = builder.binaryConvolution(
            x, outputs: 70, window: Window(3, padding: 1), scale: .none)
        x = builder.binaryLinear(
            builder.flatten(builder.threshold(x)), outputs: 10, scale: .none)
        let model = builder.model(output: x)
        var generator = SeededGenerator(seed: seed)
        let result = try check(
            model, image: RandomModels.image(for: model, &generator), "seed \(seed)")
        #expect(result.difference == 0, "seed \(seed)")
        #expect(result.isSameClass, "seed \(seed)")
    }

    /// Where a bit lies near to its threshold, the sums of another order may turn it; with these seeds none does.
    @Test(.enabled(if: python != nil, noPython), arguments: 1...2 as ClosedRange<UInt64>)
    func `a whole WRN-22 gives the logits of the runtime`(seed: UInt64) throws {
        let entry = try #require(Networks.named("wrn22"))
        let plan = try entry.plan(
            input: Shape(3, 32, 32), classes: 10, widths: [16, 16, 32, 64], style: BONNBlock())
        let model = try PlanLowering(plan, weights: SeededWeights(plan: plan, isInt8: false)).file
        let graph = model.metadata.graph
        let names = graph.nodes.map(\.name)
        var session = try InferenceSession(try Model(model, exposing: names))
        var generator = SeededGenerator(seed: seed)
        let image = generator.reals(graph.input.shape.count)
        var values = try session.values(of: names, input: image)
        values[graph.input.name] = image
        let result = try check(model, values, "seed \(seed)")
        #expect(result.difference <= 1e-4, "seed \(seed)")
        #expect(result.isSameClass, "seed \(seed)")
    }

    /// 127 * 128 * 4000 is above 2^24.
    @Test func `sums of signed bytes that float32 does not hold are refused`() throws {
        var builder = ModelBuilder(seed: 3, input: Shape(4000, 1, 1))
        let x = builder.linear(builder.quantize("input"), outputs: 7, weights: .bytes)
        let model = builder.model(output: x)
        let error = #expect(throws: InteropError.self) { try OpenVINOExport(model) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("1_linear") == true)
    }

    @Test func `the same model gives the same graph and constants`() throws {
        let model = RandomModels.model(seed: 5)
        let exports = [try OpenVINOExport(model), try OpenVINOExport(model)]
        #expect(exports[0].graph == exports[1].graph)
        #expect(exports[0].constants == exports[1].constants)
    }

    @Test func `text stays inside of its attribute`() {
        #expect(OpenVINOGraph.escaped("a\"><b&\n") == "a&quot;&gt;&lt;b&amp;&#10;")
        #expect(!OpenVINOGraph.canHold("\u{1}") && !OpenVINOGraph.canHold("\u{FFFE}"))
        #expect(OpenVINOGraph.canHold("\u{1F600} \t"))
    }

    @Test func `weights beyond the limit of an IR are refused before they are made`() throws {
        var builder = ModelBuilder(seed: 1, input: Shape(8, 4, 4))
        let x = builder.convolution("input", outputs: 4, window: Window(4))
        let model = builder.model(output: x)
        let error = #expect(throws: InteropError.self) {
            try OpenVINOExport(model, maximumConstantBytes: 4 * 4 * 8 * 16 - 1)
        }
        #expect(error?.code == .limitExceeded)
        #expect(error?.message.contains("0_convolution") == true)
    }
}
