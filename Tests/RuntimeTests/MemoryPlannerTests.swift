import BONNModelFormat
import BONNTestSupport
import Testing

@testable import BONNRuntime

@Suite struct MemoryPlannerTests {
    private func overlap(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
        max(a.lowerBound, b.lowerBound) < min(a.upperBound, b.upperBound)
    }

    @Test func `buffers that live at the same time share no byte`() {
        for seed in 0..<300 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let requests = (0..<generator.integer(0...40)).map { _ in
                let first = generator.integer(0...20)
                return MemoryPlanner.Request(
                    bytes: generator.integer(0...1_000), first: first,
                    last: first + generator.integer(0...6))
            }
            let placement = MemoryPlanner.place(requests)
            for (i, a) in requests.enumerated() {
                let bytes = placement.offsets[i]..<placement.offsets[i] + a.bytes
                #expect(bytes.upperBound <= placement.byteCount, "seed \(seed)")
                #expect(placement.offsets[i] % 64 == 0, "seed \(seed)")
                for (j, b) in requests.enumerated().dropFirst(i + 1) {
                    let others = placement.offsets[j]..<placement.offsets[j] + b.bytes
                    let together = a.first <= b.last && b.first <= a.last
                    #expect(
                        !(together && overlap(bytes, others)), "seed \(seed), buffers \(i), \(j)")
                }
            }
            let sum = requests.reduce(0) { $0 + AlignedMemory.rounded($1.bytes) }
            #expect(placement.byteCount <= sum, "seed \(seed)")
        }
    }

    @Test func `buffers that never live together share their bytes`() {
        let requests = (0..<10).map { MemoryPlanner.Request(bytes: 640, first: $0, last: $0) }
        #expect(MemoryPlanner.place(requests).byteCount == 640)
        let chain = (0..<10).map { MemoryPlanner.Request(bytes: 640, first: $0, last: $0 + 1) }
        #expect(MemoryPlanner.place(chain).byteCount == 2 * 640)
    }

    // Found from the steps alone: while a step runs, what it writes may touch no value that it or a
    // later step reads, save the input that it may overwrite and nobody reads afterwards.
    @Test func `no step of a plan writes over a value that is still read`() throws {
        var overwritten = 0
        for seed in 0..<100 as Range<UInt64> {
            let file = RandomModels.model(seed: seed)
            // Half of them with every value stored, half with fused chains.
            let exposed = seed % 2 == 0 ? file.metadata.graph.nodes.map(\.name) : []
            let model = try Model(file, exposing: exposed)
            let images = Int(seed % 3) + 1
            let threads = Int(seed % 4) + 1
            let plan = ExecutionPlan(model, images: images, threads: threads)
            func bytes(_ value: Int) -> Range<Int> {
                let offset = plan.offsets[value]
                return offset..<offset + model.values[value].byteCount * images
            }
            var written: Set<Int> = [0]
            for (index, step) in model.steps.enumerated() {
                let later = Set(
                    model.steps[(index + 1)...].flatMap(\.inputs) + [model.output] + model.exposed)
                let place = plan.steps[index]
                let scratch =
                    place.scratch..<place.scratch + step.body.scratchBytesPerThread * threads
                for value in written where later.contains(value) || step.inputs.contains(value) {
                    #expect(!overlap(scratch, bytes(value)), "seed \(seed), step \(index)")
                    if bytes(step.outputs[0]) == bytes(value), !later.contains(value) {
                        let position = step.inputs.firstIndex(of: value)!
                        #expect(step.body.overwritableInputs.contains(position))
                        overwritten += 1
                    } else {
                        #expect(
                            !overlap(bytes(step.outputs[0]), bytes(value)),
                            "seed \(seed), step \(index), value \(value)")
                    }
                    for output in step.outputs.dropFirst() {
                        #expect(
                            !overlap(bytes(output), bytes(value)),
                            "seed \(seed), step \(index), value \(value)")
                    }
                }
                for output in step.outputs {
                    #expect(!overlap(scratch, bytes(output)), "seed \(seed), step \(index)")
                    #expect(bytes(output).upperBound <= plan.byteCount)
                    written.insert(output)
                }
                if step.outputs.count == 2 {
                    #expect(!overlap(bytes(step.outputs[0]), bytes(step.outputs[1])))
                }
                #expect(scratch.upperBound <= plan.byteCount || scratch.isEmpty)
            }
        }
        #expect(overwritten > 20, "no operation worked in place")
    }

    @Test func `a chain of operations works in place`() throws {
        var builder = ModelBuilder(seed: 1, input: Shape(64, 8, 8))
        var x = builder.batchNorm("input")
        for _ in 0..<5 {
            x = builder.prelu(x)
            x = builder.hardtanh(x)
        }
        let means = builder.globalAveragePool(x)
        let model = try Model(builder.model(output: means))
        let session = try InferenceSession(model)
        #expect(session.memoryBytes == 4 * 64 * 64 + 4 * 64)
    }
}
