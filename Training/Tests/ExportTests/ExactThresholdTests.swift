import Testing

@testable import BONNExport

@Suite struct ExactThresholdTests {
    /// Batch norm in deployment arithmetic, then sign: what a threshold stands for.
    static func reference(_ x: Float, _ scale: Float, _ shift: Float) -> Bool {
        let product = x * scale
        return product + shift >= 0
    }

    static func compare(_ threshold: ExactThreshold, _ x: Float) -> Bool {
        switch threshold.direction {
        case 1: x >= threshold.value
        case -1: x <= threshold.value
        default: threshold.value >= 0
        }
    }

    @Test func `a threshold decides every float as batch norm and sign do`() {
        var generator = SystemRandomNumberGenerator.seeded(1234)
        for index in 0..<2000 {
            let exponent = Float.random(in: -12...12, using: &generator)
            let scale = Float.random(in: -2...2, using: &generator) * exponentOfTwo(exponent)
            let shift = Float.random(in: -3...3, using: &generator)
            let threshold = ExactThreshold(scale: scale, shift: shift)
            var probes: [Float] = [
                0, -0.0, 1, -1, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
            ]
            probes += [threshold.value, threshold.value.nextUp, threshold.value.nextDown]
            probes += (0..<8).map { _ in
                -shift / scale * Float.random(in: 0.999_999...1.000_001, using: &generator)
            }
            for x in probes where x.isFinite {
                #expect(
                    Self.compare(threshold, x) == Self.reference(x, scale, shift),
                    "seed 1234, case \(index): x \(x), scale \(scale), shift \(shift)")
            }
        }
    }

    @Test(arguments: [Float(0.5), 0, -0.0, -0.5])
    func `a scale of zero gives a constant`(shift: Float) {
        for scale in [Float(0), -0.0] {
            let threshold = ExactThreshold(scale: scale, shift: shift)
            #expect(threshold.direction == 0)
            for x in [Float(-3), 0, 3] {
                #expect(Self.compare(threshold, x) == Self.reference(x, scale, shift))
            }
        }
    }

    @Test func `a scale too small to reach zero gives a constant`() {
        let threshold = ExactThreshold(scale: .leastNonzeroMagnitude, shift: -7)
        #expect(threshold.direction == 0)
        #expect(!Self.compare(threshold, .greatestFiniteMagnitude))
    }

    private func exponentOfTwo(_ x: Float) -> Float {
        Float(sign: .plus, exponent: Int(x), significand: 1)
    }
}

extension SystemRandomNumberGenerator {
    /// A replayable generator (SplitMix64).
    static func seeded(_ seed: UInt64) -> Replayable { Replayable(state: seed) }

    struct Replayable: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }
}
