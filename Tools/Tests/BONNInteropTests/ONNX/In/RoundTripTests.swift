import BONNInterop
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import BONNTestSupport
import Testing

/// What `bonn-run export` writes comes back as a model that computes the same bits.
@Suite struct RoundTripTests {
    /// The logits of a model for one image, as bit patterns: 0 and -0 are the same number.
    private func logits(_ model: ModelFile, _ image: [Float]) -> [UInt32] {
        let values = ReferenceInterpreter(model).values(of: image)
        return values[model.metadata.graph.output]!.values.map { ($0 + 0).bitPattern }
    }

    private func imported(_ model: ModelFile, _ comment: Comment) throws -> ModelFile {
        let bytes = try ONNXExport(model).bytes
        return try ONNXImport(bytes, place: "round trip \(comment)").file
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func `a random model gives the same logits to the last bit`(seed: UInt64) throws {
        let model =
            seed % 6 == 0 ? RandomModels.modelWithStem(seed: seed) : RandomModels.model(seed: seed)
        let back = try imported(model, "seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2 {
            let image = RandomModels.image(for: model, &generator)
            #expect(logits(back, image) == logits(model, image), "seed \(seed)")
        }
        let types = try model.validate()
        #expect(
            try back.validate()[back.metadata.graph.output]
                == types[model.metadata.graph.output], "seed \(seed)")
    }

    @Test func `the model of every operation comes back, with its preparation and its classes`()
        throws
    {
        let model = Sample.uncertified()
        let back = try imported(model, "everything")
        #expect(back.metadata.preprocessing == model.metadata.preprocessing)
        #expect(back.metadata.classNames == model.metadata.classNames)
        #expect(back.metadata.provenance["imported_as"] == "onnx")
        var generator = SeededGenerator(seed: 1)
        let image = generator.reals(model.metadata.graph.input.shape.count)
        #expect(logits(back, image) == logits(model, image))
    }

    @Test(arguments: ["wrn22", "resnet18", "quicknet-small"], [false, true])
    func `a published network comes back with all of its binary layers and bits`(
        name: String, isInt8: Bool
    ) throws {
        let entry = try #require(Networks.named(name))
        let plan = try entry.plan(
            input: Shape(3, 32, 32), classes: 10, widths: entry.widths.map { _ in 32 },
            style: BONNBlock())
        let model = try PlanLowering(plan, weights: SeededWeights(plan: plan, isInt8: isInt8)).file
        let back = try imported(model, "\(name)")
        func bitLayers(_ model: ModelFile) -> Int {
            model.metadata.graph.nodes.count { $0.operation.kind.family == .binaryLayer }
        }
        #expect(bitLayers(back) == bitLayers(model), "\(name)")
        var first = try InferenceSession(try Model(model))
        var second = try InferenceSession(try Model(back))
        for seed in 1...3 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let image = generator.reals(model.metadata.graph.input.shape.count)
            let expected = try first.run(image)
            #expect(try second.run(image) == expected, "\(name), int8 \(isInt8), seed \(seed)")
        }
    }
}
