import BONNModelFormat
import BONNTestSupport
import CBONNKernels
import Testing

@testable import BONNRuntime

/// One binary convolution with everything that it can vary in.
struct BinaryCase: CustomStringConvertible {
    /// How the levels of the input and the weights are chosen.
    enum Content: CaseIterable { case random, allAgree, allDisagree }

    var input: Shape
    var outputs: Int
    var window: Window
    var groups = 1
    var isSigned = true
    var padding = PaddingValue.zero
    var content = Content.random
    var images = 1
    var parts = 1

    var macs: Int {
        let output = Reference.outputShape(window, input, channels: outputs)
        return images * output.count * input.channels / groups * window.height * window.width
    }

    var description: String {
        "input \(input), outputs \(outputs), \(window), groups \(groups), signed \(isSigned), "
            + "padding \(padding), \(content), images \(images), parts \(parts)"
    }

    /// Compares every available kernel set with the reference.
    func check(_ generator: inout SeededGenerator) {
        let low: Float = isSigned ? -1 : 0
        let channels = input.channels / groups
        let weights = (0..<outputs * channels * window.height * window.width).map { _ in
            content == .random ? generator.sign() : 1
        }
        let values = (0..<images).map { _ in
            ReferenceValue(input) { _, _, _ in
                switch content {
                case .random: generator.sign() > 0 ? 1 : low
                case .allAgree: 1
                case .allDisagree: low
                }
            }
        }
        let level: Float = padding == .zero ? 0 : padding == .plusOne ? 1 : -1
        let sums = values.map {
            Reference.convolution(
                $0, weights: weights, outputs: outputs, window: window, groups: groups,
                padding: level)
        }
        let expected = OperatorHarness.channelsLast(sums).map { Int32($0) }
        var bits = GuardedMemory(OperatorHarness.packed(values))
        var pixelWords = BitLayout.words(forChannels: input.channels)
        for kernels in KernelSet.available {
            if groups > 1, channels % 64 != 0, kernels == KernelSet.available[0] {
                let regroup = RegroupOperator(shape: input, groups: groups)
                pixelWords = regroup.pixelWords
                bits = OperatorHarness.run(
                    regroup, kernels: kernels, inputs: [bits],
                    outputBytes: 8 * pixelWords * images * input.height * input.width,
                    images: images, parts: parts)
            }
            let body = BinaryConvolutionOperator(
                window: bonn_window(window, from: input, to: sums[0].shape), groups: groups,
                inputChannels: input.channels, outputChannels: outputs, isSigned: isSigned,
                padding: padding, pixelWords: pixelWords,
                words: BitLayout.packKernels(
                    oihw: weights, outputs: outputs, channels: channels, height: window.height,
                    width: window.width), program: nil, kernels: kernels)
            let output = OperatorHarness.run(
                body, kernels: kernels, inputs: [bits], outputBytes: 4 * expected.count,
                images: images, parts: parts)
            #expect(
                output.elements(Int32.self, count: expected.count) == expected,
                "\(kernels), \(self)")
        }
    }

    /// A case with some channels whose other numbers are drawn so that it stays small.
    static func random(
        channels: Int, content: Content, _ generator: inout SeededGenerator
    ) -> BinaryCase {
        while true {
            let input = Shape(channels, generator.integer(1...8), generator.integer(1...9))
            let groups =
                generator.oneIn(3)
                ? generator.pick((1...8).filter { channels % $0 == 0 }) : 1
            let isSigned = generator.oneIn(2)
            let result = BinaryCase(
                input: input, outputs: groups * generator.integer(1...(channels > 256 ? 2 : 18)),
                window: generator.window(in: input), groups: groups, isSigned: isSigned,
                padding: generator.pick(isSigned ? PaddingValue.allCases : [.zero, .plusOne]),
                content: content, images: generator.integer(1...2),
                parts: generator.integer(1...5))
            if result.macs <= max(6_000, 8 * channels) { return result }
        }
    }
}

@Suite struct BinaryConvolutionTests {
    @Test func `sums are exact for every number of channels`() {
        var cases = 0
        for channels in Array(1...130) + [192, 256, 512, 1024, 3072] {
            for round in 0..<12 {
                var generator = SeededGenerator(seed: UInt64(channels * 100 + round))
                let content: BinaryCase.Content =
                    round == 10 ? .allAgree : round == 11 ? .allDisagree : .random
                BinaryCase.random(channels: channels, content: content, &generator)
                    .check(&generator)
                cases += 1
            }
        }
        print("binary convolution, channels: \(cases) cases on each kernel set")
    }

    @Test func `sums are exact for every kernel size, stride, dilation and padding`() {
        var generator = SeededGenerator(seed: 2)
        var cases = 0
        for size in 1...7 {
            for stride in 1...3 {
                for dilation in 1...3 {
                    for padding in PaddingValue.allCases {
                        for isSigned in padding == .minusOne ? [true] : [true, false] {
                            var window = Window(size, stride: stride, dilation: dilation)
                            let extent = dilation * (size - 1) + 1
                            window.padTop = generator.integer(0...extent)
                            window.padLeft = generator.integer(0...extent)
                            window.padBottom = max(0, extent - 3 - window.padTop) + stride
                            window.padRight = max(0, extent - 5 - window.padLeft) + stride
                            BinaryCase(
                                input: Shape(generator.integer(1...20), 3, 5), outputs: 3,
                                window: window, isSigned: isSigned, padding: padding
                            ).check(&generator)
                            cases += 1
                        }
                    }
                }
            }
        }
        print("binary convolution, windows: \(cases) cases on each kernel set")
    }

    @Test func `byte counters do not overflow at any number of words`() {
        // An AVX2 byte counter holds 31 words; walk over that edge in channels and in taps.
        for words in [30, 31, 32, 33, 61, 62, 63, 64, 93, 94] {
            for size in 1...2 {
                for content in BinaryCase.Content.allCases {
                    var generator = SeededGenerator(seed: UInt64(words))
                    BinaryCase(
                        input: Shape(words * 64, 2, 5), outputs: 2, window: Window(size),
                        content: content
                    ).check(&generator)
                }
            }
        }
    }

    @Test func `the largest accumulators are exact`() {
        for content in BinaryCase.Content.allCases {
            for isSigned in [true, false] {
                var generator = SeededGenerator(seed: 3)
                BinaryCase(
                    input: Shape(3072, 5, 5), outputs: 3, window: Window(5), isSigned: isSigned,
                    content: content
                ).check(&generator)
            }
        }
    }
}
