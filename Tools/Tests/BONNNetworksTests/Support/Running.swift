import BONNData
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import Testing

extension ModelFile {
    /// What the runtime makes of an image.
    func logits(_ image: [Float], kernels: KernelSet? = nil) throws -> [Float] {
        let model = try kernels.map { try Model(self, kernels: $0) } ?? Model(self)
        var session = try InferenceSession(model, threads: 1)
        return try session.run(image)
    }
}

extension NetworkPlan {
    /// A seeded image of the plan's shape.
    func image(seed: UInt64) -> [Float] {
        var random = SeededGenerator(seed: seed, stream: 99)
        return (0..<input.count).map { _ in Float(random.uniform(-2, 2)) }
    }
}

/// Expects the lowered plan to give the interpreter's bits with every kernel set of this machine.
func expectExact(
    _ weights: SeededWeights, _ what: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let plan = weights.plan
    let image = plan.image(seed: weights.seed)
    // Lowering puts poolings first; that this changes roundings alone is the subject of another test.
    let expected = try PlanInterpreter(plan: plan.poolingFirst(), weights: weights).logits(image)
    let file = try PlanLowering(plan, weights: weights).file
    for kernels in KernelSet.available {
        let found = try file.logits(image, kernels: kernels)
        #expect(
            found.map(\.bitPattern) == expected.map(\.bitPattern),
            "\(what), seed \(weights.seed), \(kernels.name): \(found), expected \(expected)",
            sourceLocation: sourceLocation)
    }
}
