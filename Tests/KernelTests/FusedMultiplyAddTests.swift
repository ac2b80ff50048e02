import BONNModelFormat
import BONNTestSupport
import CBONNKernels
import Testing

@testable import BONNRuntime

/// A depthwise 1x1 convolution of one pixel is one fused multiply-add a channel, on any kernel set:
/// on an instruction, or on its emulation in float64 (CBONNKernels/fma.h).
@Suite struct FusedMultiplyAddTests {
    @Test func `every kernel set rounds a product and a sum once`() throws {
        var compared = 0
        for seed in 0..<64 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let cases = (0..<8_192).map { _ in FusedMultiplyAddCase.random(&generator) }
            let expected = cases.map { $0.sum.addingProduct($0.x, $0.w) }
            let shape = Shape(cases.count, 1, 1)
            let body = MappedOperator(
                DepthwiseOperator(
                    window: bonn_window(Window(1), from: shape, to: shape), channels: cases.count,
                    weights: cases.map(\.w), bias: cases.map(\.sum)),
                program: nil)
            let input = GuardedMemory(cases.map(\.x))
            for kernels in KernelSet.available {
                let found = OperatorHarness.run(
                    body, kernels: kernels, inputs: [input], outputBytes: 4 * cases.count
                ).elements(Float.self, count: cases.count)
                let wrong = cases.indices.first {
                    found[$0].bitPattern != expected[$0].bitPattern
                        && !(found[$0].isNaN && expected[$0].isNaN)
                }
                if let wrong {
                    Issue.record(
                        """
                        seed \(seed), \(kernels): \(cases[wrong]) is \(expected[wrong]), found \
                        \(found[wrong])
                        """)
                }
                compared += cases.count
            }
        }
        print("fused multiply-add: \(compared) results")
    }
}

/// x * w + sum, mostly where rounding twice would be wrong.
struct FusedMultiplyAddCase {
    var x: Float
    var w: Float
    var sum: Float

    // Zero low bits make ties, which only the product can break.
    static func random(_ generator: inout SeededGenerator) -> FusedMultiplyAddCase {
        var result = FusedMultiplyAddCase(
            x: Float(bitPattern: UInt32(truncatingIfNeeded: generator.next())),
            w: Float(bitPattern: UInt32(truncatingIfNeeded: generator.next())),
            sum: Float(bitPattern: UInt32(truncatingIfNeeded: generator.next())))
        switch generator.integer(0...7) {
        case 0: break
        case 1:
            // Infinities, NaN, zeros, the smallest and the largest numbers among others.
            let special: [Float] = [
                0, -0.0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude,
                -.leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, 1, -1,
            ]
            if generator.oneIn(2) { result.x = generator.pick(special) }
            if generator.oneIn(2) { result.w = generator.pick(special) }
            if generator.oneIn(2) { result.sum = generator.pick(special) }
        case 2:
            // The product all but cancels the sum.
            result.x = result.x.significand
            result.w = result.w.significand
            result.sum = -(result.x * result.w)
        case 3:
            // Results at and below the smallest normal number.
            result = result.scaled(
                product: generator.integer(-160 ... -116), sum: generator.integer(-149 ... -120))
        case 4:
            // A product of 25 bits is a tie by itself, which a sum too small for float64 breaks.
            let x = Float(generator.integer(2_048...4_095) | 1)
            let w = Float(generator.integer(4_096...8_191) | 1)
            result = result.scaled(product: 0, sum: generator.integer(-80 ... -20))
            result.x = result.x < 0 ? -x : x
            result.w = result.w < 0 ? -w : w
        case 5, 6:
            // The product is half a unit in the last place of the sum but for its last bit; in half
            // of the cases the sum is subnormal.
            let step = Float(generator.integer(0...3)) * Float(1).ulp
            let exponent = generator.oneIn(2) ? -149 : generator.integer(-140...60)
            let units = Float(generator.integer(1 << 22...1 << 24 - 1))
            func signed(_ value: Float, _ exponent: Int) -> Float {
                Float(
                    sign: generator.oneIn(2) ? .plus : .minus, exponent: exponent,
                    significand: value)
            }
            result.sum = signed(units, exponent)
            result.x = signed(1 + step, exponent / 2)
            result.w = signed(1 - step, exponent - exponent / 2 - 1)
        default:
            // Products around half a unit in the last place of the sum.
            result = result.scaled(product: generator.integer(-30...2), sum: 0)
        }
        return result
    }

    /// The same significands and signs, with a product of about 2^product and a sum of 2^sum.
    private func scaled(product: Int, sum: Int) -> FusedMultiplyAddCase {
        func part(_ value: Float, _ exponent: Int) -> Float {
            let bits = value.bitPattern & 0x807F_FFFF | 0x3F80_0000
            return Float(sign: .plus, exponent: exponent, significand: Float(bitPattern: bits))
        }
        let half = product / 2
        return FusedMultiplyAddCase(
            x: part(x, half), w: part(w, product - half), sum: part(self.sum, sum))
    }
}
