import BONNModelFormat
import BONNTestSupport
import CBONNKernels
import Testing

@testable import BONNRuntime

@Suite struct PoolingTests {
    private struct Case: CustomStringConvertible {
        var input: Shape
        var window: Window
        var images: Int
        var parts: Int

        init(seed: Int, _ generator: inout SeededGenerator) {
            let channels = seed % 4 == 0 ? generator.integer(60...140) : generator.integer(1...20)
            input = Shape(channels, generator.integer(1...9), generator.integer(1...9))
            window = generator.poolingWindow(in: input, largest: 5)
            images = generator.integer(1...2)
            parts = generator.integer(1...4)
        }

        var geometry: bonn_window {
            bonn_window(
                window, from: input,
                to: Reference.outputShape(window, input, channels: input.channels))
        }

        var description: String {
            "input \(input), \(window), images \(images), parts \(parts)"
        }
    }

    @Test func `the largest real value wins, and a NaN before it`() {
        for seed in 0..<300 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let test = Case(seed: seed, &generator)
            let images = (0..<test.images).map { _ in
                ReferenceValue(test.input) { _, _, _ in
                    switch generator.integer(0...30) {
                    case 0: .nan
                    case 1: -.infinity
                    default: Float.random(in: -1...1, using: &generator)
                    }
                }
            }
            check(test, .maximum, images, seed) { Reference.maxPool($0, test.window) }
        }
    }

    @Test func `averages are summed in float64 and rounded once`() {
        for seed in 0..<300 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let test = Case(seed: seed, &generator)
            let images = (0..<test.images).map { _ in
                ReferenceValue(test.input, generator.dyadics(test.input.count))
            }
            let countsPadding = generator.oneIn(2)
            check(test, .average(countsPadding: countsPadding), images, seed) {
                Reference.averagePool($0, test.window, countsPadding: countsPadding)
            }
        }
    }

    @Test func `the high bit wins, and tail bits stay 0`() {
        for seed in 0..<300 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let test = Case(seed: seed, &generator)
            let images = (0..<test.images).map { _ in
                ReferenceValue(test.input) { _, _, _ in generator.oneIn(5) ? 1 : -1 }
            }
            let expected = OperatorHarness.packed(
                images.map { Reference.maxPool($0, test.window) })
            let body = BitPoolingOperator(
                window: test.geometry, channels: test.input.channels)
            for kernels in KernelSet.available {
                let output = OperatorHarness.run(
                    body, kernels: kernels,
                    inputs: [GuardedMemory(OperatorHarness.packed(images))],
                    outputBytes: 8 * expected.count, images: test.images, parts: test.parts)
                #expect(
                    output.elements(UInt64.self, count: expected.count) == expected,
                    "seed \(seed), \(kernels), \(test)")
            }
        }
    }

    private func check(
        _ test: Case, _ kind: PoolingOperator.Kind, _ images: [ReferenceValue], _ seed: Int,
        reference: (ReferenceValue) -> ReferenceValue
    ) {
        let expected = OperatorHarness.channelsLast(images.map(reference))
        let body = MappedOperator(
            PoolingOperator(window: test.geometry, channels: test.input.channels, kind: kind),
            program: nil)
        for kernels in KernelSet.available {
            let output = OperatorHarness.run(
                body, kernels: kernels,
                inputs: [GuardedMemory(OperatorHarness.channelsLast(images))],
                outputBytes: 4 * expected.count, images: test.images, parts: test.parts)
            #expect(
                areEqual(output.elements(Float.self, count: expected.count), expected),
                "seed \(seed), \(kernels), \(test)")
        }
    }
}

extension SeededGenerator {
    /// A window with at least one element of the image under every output.
    mutating func poolingWindow(in shape: Shape, largest: Int) -> Window {
        var window = window(in: shape, largest: largest, dilation: 1, padding: 0)
        window.padTop = integer(0...window.height - 1)
        window.padBottom = integer(0...window.height - 1)
        window.padLeft = integer(0...window.width - 1)
        window.padRight = integer(0...window.width - 1)
        return window
    }
}
