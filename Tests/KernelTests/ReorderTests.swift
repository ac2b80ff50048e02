import BONNModelFormat
import BONNTestSupport
import CBONNKernels
import Testing

@testable import BONNRuntime

@Suite struct ReorderTests {
    private static func levels(
        _ shape: Shape, _ generator: inout SeededGenerator
    ) -> ReferenceValue {
        ReferenceValue(shape) { _, _, _ in generator.sign() }
    }

    @Test func `bits are joined at any channel`() {
        for seed in 0..<250 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let height = generator.integer(1...3)
            let width = generator.integer(1...4)
            let inputs = (0..<generator.integer(2...5)).map { _ in
                Self.levels(Shape(generator.integer(1...150), height, width), &generator)
            }
            let joined = Reference.concatenate(inputs)
            let expected = OperatorHarness.packed([joined])
            let body = ConcatenateOperator(
                shape: joined.shape, channels: inputs.map(\.shape.channels), isBits: true)
            for kernels in KernelSet.available {
                let output = OperatorHarness.run(
                    body, kernels: kernels,
                    inputs: inputs.map { GuardedMemory(OperatorHarness.packed([$0])) },
                    outputBytes: 8 * expected.count, parts: generator.integer(1...4))
                #expect(
                    output.elements(UInt64.self, count: expected.count) == expected,
                    "seed \(seed), \(kernels), \(inputs.map(\.shape.channels))")
            }
        }
    }

    @Test func `real values are joined`() {
        for seed in 0..<80 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let inputs = (0..<generator.integer(2...4)).map { _ in
                let shape = Shape(generator.integer(1...20), 2, 3)
                return ReferenceValue(shape, generator.reals(shape.count))
            }
            let joined = Reference.concatenate(inputs)
            let expected = OperatorHarness.channelsLast([joined])
            let body = ConcatenateOperator(
                shape: joined.shape, channels: inputs.map(\.shape.channels), isBits: false)
            for kernels in KernelSet.available {
                let output = OperatorHarness.run(
                    body, kernels: kernels,
                    inputs: inputs.map { GuardedMemory(OperatorHarness.channelsLast([$0])) },
                    outputBytes: 4 * expected.count, parts: generator.integer(1...4))
                #expect(
                    output.elements(Float.self, count: expected.count) == expected,
                    "seed \(seed), \(kernels)")
            }
        }
    }

    @Test func `values are flattened in the order channel, row, column`() {
        for seed in 0..<150 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let shape = Shape(
                generator.integer(1...140), generator.integer(1...4), generator.integer(1...4))
            let images = (0..<2).map { _ in Self.levels(shape, &generator) }
            let flat = images.map { ReferenceValue(Shape(shape.count, 1, 1), $0.values) }
            for kernels in KernelSet.available {
                let bits = OperatorHarness.packed(flat)
                let packed = OperatorHarness.run(
                    FlattenOperator(shape: shape, isBits: true), kernels: kernels,
                    inputs: [GuardedMemory(OperatorHarness.packed(images))],
                    outputBytes: 8 * bits.count, images: 2, parts: generator.integer(1...3))
                #expect(
                    packed.elements(UInt64.self, count: bits.count) == bits,
                    "seed \(seed), \(kernels), \(shape)")
                let real = OperatorHarness.run(
                    FlattenOperator(shape: shape, isBits: false), kernels: kernels,
                    inputs: [GuardedMemory(OperatorHarness.channelsLast(images))],
                    outputBytes: 8 * shape.count, images: 2)
                #expect(
                    real.elements(Float.self, count: 2 * shape.count)
                        == images.flatMap(\.values), "seed \(seed), \(kernels), \(shape)")
            }
        }
    }
}
