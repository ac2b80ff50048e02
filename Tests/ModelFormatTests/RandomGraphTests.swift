import BONNModelFormat
import BONNTestSupport
import Testing

@Suite struct `Random graphs` {
    private static let seeds: Range<UInt64> = 0..<120

    @Test func `a random graph has the types that its generator kept and survives the round trip`()
        throws
    {
        var operations: Set<String> = []
        for seed in Self.seeds {
            let graph = RandomGraph(seed: seed)
            let model = graph.model
            let types = try model.validate()
            #expect(types == graph.types, "seed \(seed)")
            let bytes = try model.serialized()
            let readBack = try ModelFile(bytes: bytes)
            let same = readBack == model
            #expect(same, "seed \(seed)")
            #expect(try readBack.serialized() == bytes, "seed \(seed)")
            operations.formUnion(model.metadata.graph.nodes.map(\.operation.name))
        }
        let all = BONNModelFormat.Operation.Kind.allCases.map(\.rawValue)
        #expect(operations == Set(all), "only \(operations.sorted()) were drawn")
    }

    @Test func `taking any one thing away from a random graph is noticed`() throws {
        for seed in Self.seeds.prefix(40) {
            let model = RandomGraph(seed: seed).model
            for name in model.tensors.keys.sorted() {
                var without = model
                without.tensors[name] = nil
                #expect(throws: ModelFormatError.self, "seed \(seed) without \(name)") {
                    try without.validate()
                }
                var reshaped = model
                reshaped.tensors[name]?.shape.append(2)
                #expect(throws: ModelFormatError.self, "seed \(seed), \(name) reshaped") {
                    try reshaped.validate()
                }
                var cut = model
                cut.tensors[name]?.bytes.removeLast()
                #expect(throws: ModelFormatError.self, "seed \(seed), \(name) cut") {
                    try cut.validate()
                }
            }
            // A node that names a tensor, or that another one reads, can not be taken out.
            for index in model.metadata.graph.nodes.indices.dropLast() {
                var without = model
                let node = without.metadata.graph.nodes.remove(at: index)
                let isRead = without.metadata.graph.nodes.contains { $0.inputs.contains(node.name) }
                guard isRead else { continue }
                #expect(throws: ModelFormatError.self, "seed \(seed) without \(node.name)") {
                    try without.validate()
                }
            }
        }
    }
}
