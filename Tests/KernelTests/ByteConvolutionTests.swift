import BONNModelFormat
import BONNTestSupport
import CBONNKernels
import Testing

@testable import BONNRuntime

@Suite struct ByteConvolutionTests {
    @Test func `sums of signed bytes are those of the plain loop, scaled bit for bit`() {
        for seed in 0..<500 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let channels = seed % 20 == 0 ? generator.pick([64, 101, 130]) : 1 + seed % 24
            let test = RealCase.random(channels: channels, &generator)
            // The extremes in some cases: the largest products and sums that there are.
            let bytes = generator.oneIn(4) ? [-127, 127] : Array(-127...127)
            let images = (0..<test.images).map { _ in
                ReferenceValue(
                    test.input, (0..<test.input.count).map { _ in Float(generator.pick(bytes)) })
            }
            let taps = test.window.height * test.window.width
            let levels = generator.oneIn(4) ? [-128, 127] : Array(-128...127)
            let weights = (0..<test.outputs * channels / test.groups * taps).map { _ in
                Int8(generator.pick(levels))
            }
            let scale = generator.reals(test.outputs)
            let bias = generator.oneIn(2) ? generator.reals(test.outputs) : nil
            let expected = OperatorHarness.channelsLast(
                images.map {
                    Reference.byteConvolution(
                        $0, weights: weights, outputs: test.outputs, window: test.window,
                        groups: test.groups, scale: scale, bias: bias)
                }
            ).map(\.bitPattern)
            let output = Reference.outputShape(test.window, test.input, channels: test.outputs)
            let memory = GuardedMemory(OperatorHarness.channelsLast(images).map { Int8($0) })
            for kernels in KernelSet.available {
                let body = MappedOperator(
                    ByteConvolutionOperator(
                        window: bonn_window(test.window, from: test.input, to: output),
                        groups: test.groups, inputChannels: channels, outputChannels: test.outputs,
                        weights: weights, scale: scale, bias: bias, kernels: kernels),
                    program: nil)
                let result = OperatorHarness.run(
                    body, kernels: kernels, inputs: [memory], outputBytes: 4 * expected.count,
                    images: test.images, parts: test.parts
                ).elements(Float.self, count: expected.count)
                #expect(
                    result.map(\.bitPattern) == expected, "seed \(seed), \(kernels), \(test)")
            }
        }
        print("convolution of signed bytes: 500 cases on each kernel set")
    }

    @Test func `the longest sums do not overflow`() {
        // 2^17 products of 127 and -128, and of 127 and 127.
        let shape = Shape(FormatLimits.byteTerms, 1, 1)
        let memory = GuardedMemory([Int8](repeating: 127, count: shape.channels))
        for kernels in KernelSet.available {
            let body = MappedOperator(
                ByteConvolutionOperator(
                    window: bonn_window(Window(1), from: shape, to: Shape(2, 1, 1)), groups: 1,
                    inputChannels: shape.channels, outputChannels: 2,
                    weights: [Int8](repeating: -128, count: shape.channels)
                        + [Int8](repeating: 127, count: shape.channels),
                    scale: [1, 1], bias: nil, kernels: kernels), program: nil)
            let result = OperatorHarness.run(
                body, kernels: kernels, inputs: [memory], outputBytes: 8
            ).elements(Float.self, count: 2)
            #expect(result == [Float(-127 * 128 << 17), Float(127 * 127 << 17)], "\(kernels)")
        }
    }

    @Test func `quantising rounds ties to even and stays within 127`() {
        var generator = SeededGenerator(seed: 9)
        let special: [Float] = [
            0, -0.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5, 127.5, -126.5, -127.5, 1e30, -1e30,
            .infinity, -.infinity, .nan, 0.49999997, -0.49999997, .leastNonzeroMagnitude,
        ]
        let halves = (0..<4_000).map { _ in Float(generator.integer(-600...600)) / 4 }
        let values = special + halves + generator.reals(4_001, in: -150...150)
        for rate: Float in [1, 0.37, -2] {
            let shape = Shape(values.count, 1, 1)
            let expected = Reference.quantize(
                ReferenceValue(shape, values), inverseScale: rate
            ).values.map { Int8($0) }
            let body = QuantizeOperator(shape: shape, inverseScale: rate)
            let memory = GuardedMemory(values)
            for kernels in KernelSet.available {
                let result = OperatorHarness.run(
                    body, kernels: kernels, inputs: [memory], outputBytes: values.count, parts: 3
                ).elements(Int8.self, count: values.count)
                #expect(result == expected, "\(kernels), times \(rate)")
            }
        }
    }
}
