import BONNModelFormat
import BONNTestSupport
import Testing

@testable import BONNRuntime

@Suite struct RandomModelTests {
    @Test func `every value of random networks is that of the reference`() throws {
        var operations: [String: Int] = [:]
        for seed in 0..<150 as Range<UInt64> {
            let file = RandomModels.model(seed: seed)
            try compare(file, seed: seed)
            for node in file.metadata.graph.nodes {
                operations[node.operation.name, default: 0] += 1
            }
        }
        let counts = operations.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        print("random networks: 150; operations compared: \(counts.joined(separator: ", "))")
        let all = BONNModelFormat.Operation.Kind.allCases.map(\.rawValue)
        #expect(Set(operations.keys) == Set(all), "some operation never occurred")
    }

    @Test func `every value of networks with a large stem is that of the reference`() throws {
        var pooled = 0
        for seed in 0..<60 as Range<UInt64> {
            let file = RandomModels.modelWithStem(seed: seed)
            try compare(file, seed: seed, threads: 1 + Int(seed % 3))
            pooled += try Model(file).steps.count { $0.operation.contains(#/convolution.*_pool/#) }
        }
        print("networks with a large stem: 60, \(pooled) of them pooled row by row")
        #expect(pooled > 30)
    }

    /// Compares all values that a network stores with the reference's, for every kernel set.
    private func compare(_ file: ModelFile, seed: UInt64, threads: Int = 1) throws {
        var generator = SeededGenerator(seed: seed)
        let images = (0..<2).map { _ in RandomModels.image(for: file, &generator) }
        let expected = images.map { ReferenceInterpreter(file).values(of: $0) }
        let names = file.metadata.graph.nodes.map(\.name) + ["input"]
        for kernels in KernelSet.available {
            // Everything stored, some values, nothing but what has several readers.
            for exposed in [names, names.filter { _ in generator.oneIn(3) }, []] {
                let model = try Model(file, kernels: kernels, exposing: exposed)
                var session = try InferenceSession(model, threads: threads, batch: 2)
                let values = try session.values(of: exposed, input: images.flatMap(\.self))
                for name in exposed {
                    let wanted = expected.flatMap { $0[name]!.values }
                    #expect(
                        areEqual(values[name]!, wanted),
                        "seed \(seed), \(kernels), \(exposed.count) exposed, value \(name)")
                }
                let logits = try session.run(images.flatMap(\.self))
                let output = file.metadata.graph.output
                #expect(
                    areEqual(logits, expected.flatMap { $0[output]!.values }),
                    "seed \(seed), \(kernels), \(exposed.count) exposed, logits")
            }
        }
    }
}

/// Whether two lists hold the same numbers; a NaN is equal to a NaN.
func areEqual(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
}
