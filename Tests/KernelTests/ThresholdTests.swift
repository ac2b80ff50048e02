import BONNModelFormat
import BONNTestSupport
import CBONNKernels
import Testing

@testable import BONNRuntime

@Suite struct ThresholdTests {
    private static let edges: [Float] = [
        0, -0.0, 1, -1, .infinity, -.infinity, .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
        .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
    ]

    @Test func `real values are compared exactly, for every number of channels`() {
        var cases = 0
        for channels in Array(1...130) + [192, 256, 512, 1024, 3072] {
            for round in 0..<3 {
                var generator = SeededGenerator(seed: UInt64(channels * 10 + round))
                let shape = Shape(channels, generator.integer(1...3), generator.integer(1...3))
                let thresholds = (0..<channels).map { _ in
                    generator.oneIn(2)
                        ? generator.pick(Self.edges) : Float.random(in: -2...2, using: &generator)
                }
                let image = ReferenceValue(shape) { c, _, _ in
                    switch generator.integer(0...3) {
                    case 0: thresholds[c]
                    case 1: generator.pick(Self.edges + [.nan])
                    case 2: generator.oneIn(2) ? thresholds[c].nextUp : thresholds[c].nextDown
                    default: Float.random(in: -2...2, using: &generator)
                    }
                }
                let directions = Self.directions(channels, &generator)
                let body = MapOperator(
                    shape: shape, isInteger: false,
                    program: MapProgram(
                        threshold: ThresholdConstants.of(
                            thresholds: thresholds, directions: directions),
                        writesValues: false))
                let expected = Reference.threshold(
                    image, thresholds: thresholds.map(Double.init), directions: directions,
                    low: -1)
                Self.check(
                    body, GuardedMemory(OperatorHarness.channelsLast([image])), expected,
                    parts: generator.integer(1...3), "channels \(channels), round \(round)")
                cases += 1
            }
        }
        print("thresholds of real values: \(cases) cases on each kernel set")
    }

    @Test func `integers are compared exactly up to the ends of their range`() {
        let edges: [Int32] = [0, 1, -1, .max, .min, .max - 1, .min + 1]
        for channels in Array(1...130) + [192, 512] {
            var generator = SeededGenerator(seed: UInt64(channels))
            let shape = Shape(channels, 2, generator.integer(1...3))
            let thresholds = (0..<channels).map { _ in
                generator.oneIn(2) ? generator.pick(edges) : Int32(generator.integer(-9...9))
            }
            // Channels last, as the runtime has them: the numbers need not fit into a float.
            let values = (0..<shape.count).map { index in
                switch generator.integer(0...2) {
                case 0: thresholds[index % channels]
                case 1: generator.pick(edges)
                default: Int32(generator.integer(-9...9))
                }
            }
            let directions = Self.directions(channels, &generator)
            let levels = values.enumerated().map { index, value in
                let threshold = thresholds[index % channels]
                return switch directions[index % channels] {
                case 1: value >= threshold
                case -1: value <= threshold
                default: threshold >= 0
                }
            }
            let expected = ReferenceValue(shape) { c, y, x in
                levels[(y * shape.width + x) * channels + c] ? 1 : -1
            }
            Self.check(
                MapOperator(
                    shape: shape, isInteger: true,
                    program: MapProgram(
                        threshold: ThresholdConstants.of(
                            thresholds: thresholds, directions: directions),
                        writesValues: false)),
                GuardedMemory(values), expected, parts: generator.integer(1...3),
                "channels \(channels)")
        }
    }

    private static func directions(
        _ channels: Int, _ generator: inout SeededGenerator
    ) -> [Int8] {
        (0..<channels).map { _ in Int8(generator.pick([1, -1, 0])) }
    }

    private static func check(
        _ body: MapOperator, _ input: GuardedMemory, _ expected: ReferenceValue, parts: Int,
        _ label: String
    ) {
        let words = OperatorHarness.packed([expected])
        for kernels in KernelSet.available {
            let output = OperatorHarness.run(
                body, kernels: kernels, inputs: [input], outputBytes: 8 * words.count,
                parts: parts)
            #expect(
                output.elements(UInt64.self, count: words.count) == words, "\(kernels), \(label)")
        }
    }
}
