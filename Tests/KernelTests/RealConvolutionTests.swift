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
            let input = Shape(channels, generator.integer(1...8), generator.integer(1...9))
            let groups =
                generator.oneIn(2)
                ? 1 : generator.pick((1...channels).filter { channels % $0 == 0 })
            let perGroup = groups == channels && generator.oneIn(2) ? 1 : generator.integer(1...12)
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
            ? DepthwiseOperator(
                window: geometry, channels: outputs, weights: weights, bias: bias)
            : ConvolutionOperator(
                window: geometry, groups: groups, inputChannels: input.channels,
                outputChannels: outputs, weights: weights, bias: bias)
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
    // The numbers are dyadic, so every order of the float64 sum gives the same, exact result.
    @Test func `sums are those of the plain loop, rounded once`() {
        for seed in 0..<700 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let channels = seed % 20 == 0 ? generator.pick([64, 100, 130]) : 1 + seed % 24
            let test = RealCase.random(channels: channels, &generator)
            let images = (0..<test.images).map { _ in
                ReferenceValue(test.input, generator.dyadics(test.input.count))
            }
            let taps = test.window.height * test.window.width
            let weights = generator.dyadics(test.outputs * channels / test.groups * taps)
            let bias = generator.oneIn(2) ? generator.dyadics(test.outputs) : nil
            let expected = OperatorHarness.channelsLast(
                images.map {
                    Reference.convolution(
                        $0, weights: weights, outputs: test.outputs, window: test.window,
                        groups: test.groups, bias: bias)
                })
            let results = test.outputs(images: images, weights: weights, bias: bias)
            for (kernels, result) in zip(KernelSet.available, results) {
                #expect(result == expected, "seed \(seed), \(kernels), \(test)")
            }
        }
        print("real convolution: 700 exact cases on each kernel set")
    }

    @Test func `all kernel sets round arbitrary numbers to the same bits`() {
        for seed in 1_000..<1_200 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let test = RealCase.random(channels: generator.integer(1...40), &generator)
            let images = (0..<test.images).map { _ in
                ReferenceValue(test.input, generator.reals(test.input.count))
            }
            let taps = test.window.height * test.window.width
            let weights = generator.reals(
                test.outputs * test.input.channels / test.groups * taps)
            let results = test.outputs(images: images, weights: weights, bias: nil)
            for (kernels, result) in zip(KernelSet.available, results) {
                #expect(result == results[0], "seed \(seed), \(kernels), \(test)")
            }
            let expected = OperatorHarness.channelsLast(
                images.map {
                    Reference.convolution(
                        $0, weights: weights, outputs: test.outputs, window: test.window,
                        groups: test.groups)
                })
            // Another order of the sum may move the last bit of float64, hardly ever of float32.
            for (a, b) in zip(results[0], expected) {
                #expect(abs(a - b) <= b.ulp, "seed \(seed), \(test)")
            }
        }
    }
}
