import BONNModelFormat
import BONNTestSupport
import CBONNKernels
import Testing

@testable import BONNRuntime

/// One real convolution with everything that it can vary in.
struct RealCase: CustomStringConvertible {
    var input: Shape
    var outputs: Int
    var window: Window
    var groups: Int
    var images: Int
    var parts: Int

    var macs: Int {
        let output = Reference.outputShape(window, input, channels: outputs)
        return images * output.count * input.channels / groups * window.height * window.width
    }

    var description: String {
        "input \(input), outputs \(outputs), \(window), groups \(groups), images \(images), "
            + "parts \(parts)"
    }

    static func random(channels: Int, _ generator: inout SeededGenerator) -> RealCase {
        while true {
            let size = generator.oneIn(4) ? 1...2 : 1...16
            let input = Shape(channels, generator.integer(size), generator.integer(size))
            let groups =
                generator.oneIn(2)
                ? 1 : generator.pick((1...channels).filter { channels % $0 == 0 })
            let perGroup =
                groups == channels && generator.oneIn(2)
                ? 1 : generator.integer(1...(generator.oneIn(3) ? 150 : 12))
            let result = RealCase(
                input: input, outputs: groups * perGroup, window: generator.window(in: input),
                groups: groups, images: generator.integer(1...2), parts: generator.integer(1...5))
            if result.macs <= 8_000 { return result }
        }
    }

    /// What every kernel set computes, one after the other.
    func outputs(images: [ReferenceValue], weights: [Float], bias: [Float]?) -> [[Float]] {
        let output = Reference.outputShape(window, input, channels: outputs)
        let geometry = bonn_window(window, from: input, to: output)
        let body: any Operator =
            groups == input.channels && groups == outputs
            ? MappedOperator(
                DepthwiseOperator(
                    window: geometry, channels: outputs, weights: weights, bias: bias),
                program: nil)
            : MappedOperator(
                ConvolutionOperator(
                    window: geometry, groups: groups, inputChannels: input.channels,
                    outputChannels: outputs, weights: weights, bias: bias),
                program: nil)
        let memory = GuardedMemory(OperatorHarness.channelsLast(images))
        let count = images.count * output.count
        return KernelSet.available.map { kernels in
            OperatorHarness.run(
                body, kernels: kernels, inputs: [memory], outputBytes: 4 * count,
                images: images.count, parts: parts
            ).elements(Float.self, count: count)
        }
    }
}

@Suite struct RealConvolutionTests {
    @Test func `sums are the chain of fused multiply-adds of the plain loop, bit for bit`() {
        for seed in 0..<900 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let channels = seed % 20 == 0 ? generator.pick([64, 100, 130]) : 1 + seed % 24
            let test = RealCase.random(channels: channels, &generator)
            let images = (0..<test.images).map { _ in
                ReferenceValue(test.input, generator.reals(test.input.count))
            }
            let taps = test.window.height * test.window.width
            let weights = generator.reals(test.outputs * channels / test.groups * taps)
            let bias = generator.oneIn(2) ? generator.reals(test.outputs) : nil
            let expected = OperatorHarness.channelsLast(
                images.map {
                    Reference.convolution(
                        $0, weights: weights, outputs: test.outputs, window: test.window,
                        groups: test.groups, bias: bias)
                }
            ).map(\.bitPattern)
            let results = test.outputs(images: images, weights: weights, bias: bias)
            for (kernels, result) in zip(KernelSet.available, results) {
                #expect(
                    result.map(\.bitPattern) == expected, "seed \(seed), \(kernels), \(test)")
            }
        }
        print("real convolution: 900 cases on each kernel set")
    }

    // Minus zeros, and products too small for float32: only here can a tap in the padding be seen,
    // as -0 + 0 * w is +0 for w >= 0.
    @Test func `padding takes part as plus zero`() {
        for seed in 0..<200 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let test = RealCase.random(channels: generator.pick([1, 3, 8, 20]), &generator)
            func zeros(_ count: Int) -> [Float] {
                (0..<count).map { _ in
                    generator.pick([
                        0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 1, -1,
                    ])
                }
            }
            let images = (0..<test.images).map { _ in
                ReferenceValue(test.input, zeros(test.input.count))
            }
            let taps = test.window.height * test.window.width
            let weights = zeros(test.outputs * test.input.channels / test.groups * taps)
            let bias = (0..<test.outputs).map { _ in generator.pick([-0.0, 0, Float(1e-40)]) }
            let expected = OperatorHarness.channelsLast(
                images.map {
                    Reference.convolution(
                        $0, weights: weights, outputs: test.outputs, window: test.window,
                        groups: test.groups, bias: bias)
                }
            ).map(\.bitPattern)
            let results = test.outputs(images: images, weights: weights, bias: bias)
            for (kernels, result) in zip(KernelSet.available, results) {
                #expect(
                    result.map(\.bitPattern) == expected, "seed \(seed), \(kernels), \(test)")
            }
        }
    }
}
