import BONNModelFormat
import BONNTestSupport
import CBONNKernels
import Testing

@testable import BONNRuntime

@Suite struct PooledConvolutionTests {
    // Windows that overlap, that leave gaps, that lie half in the padding; rounds of one row and of all.
    @Test func `values pooled row by row are those of the whole image`() {
        for seed in 0..<500 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let test = RealCase.random(channels: 1 + seed % 9, &generator)
            let shape = Reference.outputShape(test.window, test.input, channels: test.outputs)
            let pool = generator.poolingWindow(in: shape, largest: 4)
            let images = (0..<test.images).map { _ in
                ReferenceValue(test.input, generator.reals(test.input.count))
            }
            let taps = test.window.height * test.window.width
            let weights = generator.reals(
                test.outputs * test.input.channels / test.groups * taps)
            let slope = generator.oneIn(4) ? nil : generator.reals(test.outputs)
            let isMaximum = generator.oneIn(2)
            let scale = generator.oneIn(3) ? nil : generator.reals(test.outputs)
            let expected = images.map { image in
                let sums = Reference.convolution(
                    image, weights: weights, outputs: test.outputs, window: test.window,
                    groups: test.groups, bias: nil)
                let activated = ReferenceValue(sums.shape) { c, y, x in
                    let value = sums[c, y, x]
                    return value >= 0 ? value : (slope?[c] ?? 1) * value
                }
                let pooled =
                    isMaximum
                    ? Reference.maxPool(activated, pool)
                    : Reference.averagePool(activated, pool, countsPadding: false)
                return ReferenceValue(pooled.shape) { c, y, x in
                    pooled[c, y, x] * (scale?[c] ?? 1)
                }
            }
            let pooledShape = expected[0].shape
            let body = PooledOperator(
                ConvolutionOperator(
                    window: bonn_window(test.window, from: test.input, to: shape),
                    groups: test.groups, inputChannels: test.input.channels,
                    outputChannels: test.outputs, weights: weights, bias: nil),
                program: slope.map { MapProgram(steps: [.prelu(slope: ConstantBuffer.of($0))]) },
                pooling: PoolingOperator(
                    window: bonn_window(pool, from: shape, to: pooledShape),
                    channels: test.outputs,
                    kind: isMaximum ? .maximum : .average(countsPadding: false)),
                pooledProgram: scale.map { MapProgram(steps: [.scale(ConstantBuffer.of($0))]) },
                windowBytes: generator.pick([1, 200, 1_000, 5_000, 100_000]))
            let memory = GuardedMemory(OperatorHarness.channelsLast(images))
            let count = images.count * pooledShape.count
            for kernels in KernelSet.available {
                let result = OperatorHarness.run(
                    body, kernels: kernels, inputs: [memory], outputBytes: 4 * count,
                    images: images.count, parts: test.parts
                ).elements(Float.self, count: count)
                #expect(
                    areEqual(result, OperatorHarness.channelsLast(expected)),
                    "seed \(seed), \(kernels), \(test), pooled by \(pool)")
            }
        }
        print("pooled convolution: 500 cases on each kernel set")
    }
}
