import BONNModelFormat
import BONNTestSupport
import Testing

@testable import BONNRuntime

/// Networks as they are published, with random weights.
enum Networks {
    /// Batch norm and sign as a threshold, binary 3x3 convolution, shortcut, PReLU.
    static func block(
        _ builder: inout ModelBuilder, _ x: Name, outputs: Int, stride: Int
    ) -> Name {
        var shortcut = x
        if stride > 1 {
            let window = Window(2, stride: 2)
            shortcut = builder.averagePool(shortcut, window, countsPadding: true)
        }
        if builder.shape(x).channels != outputs {
            shortcut = builder.convolution(shortcut, outputs: outputs, window: Window(1))
            shortcut = builder.batchNorm(shortcut)
        }
        let bits = builder.threshold(x)
        let body = builder.binaryConvolution(
            bits, outputs: outputs, window: Window(3, stride: stride, padding: 1))
        let sum = builder.add(body, shortcut)
        return builder.prelu(sum)
    }

    /// A wide residual network: stem, three stages of blocks, mean, classifier.
    static func wideResNet(widths: [Int], blocks: Int, side: Int, seed: UInt64) -> ModelFile {
        var builder = ModelBuilder(seed: seed, input: Shape(3, side, side))
        var x = builder.convolution("input", outputs: widths[0], window: Window(3, padding: 1))
        for (stage, width) in widths.dropFirst().enumerated() {
            for index in 0..<blocks {
                let stride = stage > 0 && index == 0 ? 2 : 1
                x = block(&builder, x, outputs: width, stride: stride)
            }
        }
        let means = builder.globalAveragePool(x)
        let logits = builder.linear(means, outputs: 10)
        return builder.model(output: logits)
    }
}

@Suite struct NetworkTests {
    @Test func `a small BONN computes what the reference computes, bit for bit`() throws {
        let file = Networks.wideResNet(widths: [8, 8, 16, 70], blocks: 2, side: 12, seed: 1)
        var generator = SeededGenerator(seed: 1)
        let image = generator.reals(3 * 12 * 12)
        let output = file.metadata.graph.output
        let expected = ReferenceInterpreter(file).values(of: image)[output]!.values
        for kernels in KernelSet.available {
            let model = try Model(file, kernels: kernels)
            for threads in [1, 2] {
                var session = try InferenceSession(model, threads: threads)
                #expect(try session.run(image) == expected, "\(kernels), \(threads) threads")
            }
        }
    }

    @Test func `WRN-22 gives the same bits for every kernel set and number of threads`() throws {
        let file = Networks.wideResNet(widths: [16, 16, 32, 64], blocks: 6, side: 32, seed: 2)
        var generator = SeededGenerator(seed: 2)
        let image = generator.reals(3 * 32 * 32)
        var expected: [Float]?
        for kernels in KernelSet.available {
            let model = try Model(file, kernels: kernels)
            for threads in [1, 2, 3] {
                var session = try InferenceSession(model, threads: threads)
                let logits = try session.run(image)
                #expect(logits == expected ?? logits, "\(kernels), \(threads) threads")
                #expect(Set(logits).count == 10, "the logits say nothing")
                expected = logits
            }
        }
    }
}
