import BONNData
import Testing

@testable import BONNNetworks

@Suite struct ExactThresholdTests {
    /// Batch norm in deployment arithmetic, then a comparison: what a threshold stands for.
    static func reference(
        _ x: Float, _ scale: Float, _ shift: Float, level: Float = 0
    ) -> Bool {
        let product = x * scale
        return product + shift >= level
    }

    static func compare(_ threshold: ExactThreshold, _ x: Float) -> Bool {
        switch threshold.direction {
        case 1: x >= threshold.value
        case -1: x <= threshold.value
        default: threshold.value >= 0
        }
    }

    @Test(arguments: [Float(0), 0.75, -1.5, 1e-30])
    func `a threshold decides every float as batch norm and a comparison do`(level: Float) {
        var generator = SeededGenerator(seed: 1234)
        for index in 0..<2000 {
            let exponent = Float.random(in: -12...12, using: &generator)
            let scale = Float.random(in: -2...2, using: &generator) * exponentOfTwo(exponent)
            let shift = Float.random(in: -3...3, using: &generator)
            let threshold = ExactThreshold(scale: scale, shift: shift, level: level)
            var probes: [Float] = [
                0, -0.0, 1, -1, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
            ]
            probes += [threshold.value, threshold.value.nextUp, threshold.value.nextDown]
            probes += (0..<8).map { _ in
                (level - shift) / scale * Float.random(in: 0.999_999...1.000_001, using: &generator)
            }
            for x in probes where x.isFinite {
                #expect(
                    Self.compare(threshold, x) == Self.reference(x, scale, shift, level: level),
                    "seed 1234, case \(index): x \(x), scale \(scale), shift \(shift)")
            }
        }
    }

    @Test(arguments: [Float(0.5), 0, -0.0, -0.5])
    func `a scale of zero gives a constant`(shift: Float) {
        for scale in [Float(0), -0.0] {
            let threshold = ExactThreshold(scale: scale, shift: shift, level: 0)
            #expect(threshold.direction == 0)
            for x in [Float(-3), 0, 3] {
                #expect(Self.compare(threshold, x) == Self.reference(x, scale, shift))
            }
        }
    }

    @Test func `a scale too small to reach zero gives a constant`() {
        let threshold = ExactThreshold(scale: .leastNonzeroMagnitude, shift: -7, level: 0)
        #expect(threshold.direction == 0)
        #expect(!Self.compare(threshold, .greatestFiniteMagnitude))
    }

    @Test func `without a batch norm the threshold is the level itself`() {
        for level in [Float(0), -0.0, 0.3, -7, .leastNonzeroMagnitude, .greatestFiniteMagnitude] {
            let threshold = ExactThreshold(level: level)
            #expect(threshold.direction == 1 && threshold.value == level)
            for x in [level, level.nextUp, level.nextDown, -level, 0, -0.0] where x.isFinite {
                #expect(Self.compare(threshold, x) == (x >= level), "x \(x), level \(level)")
            }
        }
        let never = ExactThreshold(level: .infinity)
        #expect(never.direction == 0 && !Self.compare(never, .greatestFiniteMagnitude))
        let always = ExactThreshold(level: -.infinity)
        #expect(always.direction == 0 && Self.compare(always, -.greatestFiniteMagnitude))
    }

    private func exponentOfTwo(_ x: Float) -> Float {
        Float(sign: .plus, exponent: Int(x), significand: 1)
    }
}
