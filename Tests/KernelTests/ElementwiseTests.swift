import BONNModelFormat
import BONNTestSupport
import CBONNKernels
import Testing

@testable import BONNRuntime

/// A program of one step.
private func single(_ shape: Shape, integers: Bool = false, _ step: MapProgram.Step) -> MapOperator
{
    MapOperator(shape: shape, isInteger: integers, program: MapProgram(steps: [step]))
}

@Suite struct ElementwiseTests {
    /// Numbers with every special value among them.
    private static func values(_ count: Int, _ generator: inout SeededGenerator) -> [Float] {
        let special: [Float] = [
            .nan, .infinity, -.infinity, 0, -0.0, 1, -1, .leastNonzeroMagnitude, 3e38,
        ]
        return (0..<count).map { _ in
            generator.oneIn(6)
                ? generator.pick(special) : Float.random(in: -2...2, using: &generator)
        }
    }

    /// Runs an operator out of place and in place and compares both with the reference.
    private static func check(
        _ body: any Operator, _ image: ReferenceValue, _ expected: ReferenceValue, parts: Int,
        integers: Bool = false, _ label: String
    ) {
        let wanted = OperatorHarness.channelsLast([expected])
        let elements = OperatorHarness.channelsLast([image])
        for kernels in KernelSet.available {
            let input =
                integers ? GuardedMemory(elements.map { Int32($0) }) : GuardedMemory(elements)
            let output = OperatorHarness.run(
                body, kernels: kernels, inputs: [input], outputBytes: 4 * wanted.count,
                parts: parts)
            #expect(
                areEqual(output.elements(Float.self, count: wanted.count), wanted),
                "\(kernels), \(label)")
            for part in 0..<parts {
                let memory = StepMemory(
                    functions: kernels.functions, base: input.base, inputs: [0, 0], outputs: [0],
                    scratch: 0)
                body.execute(memory, Share(images: 1, part: part, parts: parts))
            }
            #expect(
                areEqual(input.elements(Float.self, count: wanted.count), wanted),
                "\(kernels), in place, \(label)")
        }
    }

    private static func eachShape(
        _ body: (Shape, inout SeededGenerator, _ parts: Int, _ label: String) -> Void
    ) {
        for channels in Array(1...40) + [63, 64, 65, 129] {
            var generator = SeededGenerator(seed: UInt64(channels))
            let shape = Shape(channels, generator.integer(1...4), generator.integer(1...4))
            body(shape, &generator, generator.integer(1...4), "\(shape)")
        }
    }

    @Test func `batch norm of real values rounds twice and is never fused`() {
        Self.eachShape { shape, generator, parts, label in
            let image = ReferenceValue(shape, Self.values(shape.count, &generator))
            let scale = generator.reals(shape.channels).map { generator.oneIn(4) ? 0 : $0 }
            let shift = generator.reals(shape.channels)
            Self.check(
                single(
                    shape,
                    .affine(scale: ConstantBuffer.of(scale), shift: ConstantBuffer.of(shift))),
                image, Reference.batchNorm(image, scale: scale, shift: shift), parts: parts, label)
        }
    }

    @Test func `batch norm of integers rounds twice and is never fused`() {
        Self.eachShape { shape, generator, parts, label in
            let image = ReferenceValue(shape) { _, _, _ in
                Float(generator.integer(-(1 << 24)...(1 << 24)))
            }
            let scale = generator.reals(shape.channels)
            let shift = generator.reals(shape.channels, in: -1e6...1e6)
            Self.check(
                single(
                    shape, integers: true,
                    .affine(scale: ConstantBuffer.of(scale), shift: ConstantBuffer.of(shift))),
                image, Reference.batchNorm(image, scale: scale, shift: shift), parts: parts,
                integers: true, label)
        }
    }

    @Test func `PReLU multiplies negative values only and keeps NaN`() {
        Self.eachShape { shape, generator, parts, label in
            let image = ReferenceValue(shape, Self.values(shape.count, &generator))
            let slope = generator.reals(shape.channels)
            let expected = Reference.map(image) { x, c in x >= 0 ? x : slope[c] * x }
            Self.check(
                single(shape, .prelu(slope: ConstantBuffer.of(slope))), image, expected,
                parts: parts, label)
        }
    }

    @Test func `ReLU and hardtanh clamp and keep NaN`() {
        Self.eachShape { shape, generator, parts, label in
            let image = ReferenceValue(shape, Self.values(shape.count, &generator))
            Self.check(
                single(shape, .relu), image,
                Reference.map(image) { x, _ in x < 0 ? 0 : x }, parts: parts, "relu, \(label)")
            Self.check(
                single(shape, .hardtanh), image,
                Reference.map(image) { x, _ in x < -1 ? -1 : x > 1 ? 1 : x }, parts: parts,
                "hardtanh, \(label)")
        }
    }

    /// Compares a step that reads a second value with the reference, on two images.
    private static func checkPair(
        _ step: MapProgram.Step, _ shape: Shape, _ second: Shape,
        _ generator: inout SeededGenerator, parts: Int, _ label: String,
        _ reference: (ReferenceValue, ReferenceValue) -> ReferenceValue
    ) {
        let a = (0..<2).map { _ in ReferenceValue(shape, values(shape.count, &generator)) }
        let b = (0..<2).map { _ in ReferenceValue(second, values(second.count, &generator)) }
        let expected = OperatorHarness.channelsLast(zip(a, b).map(reference))
        for kernels in KernelSet.available {
            let output = OperatorHarness.run(
                single(shape, step), kernels: kernels,
                inputs: [a, b].map { GuardedMemory(OperatorHarness.channelsLast($0)) },
                outputBytes: 4 * expected.count, images: 2, parts: parts)
            #expect(
                areEqual(output.elements(Float.self, count: expected.count), expected),
                "\(kernels), \(label)")
        }
    }

    @Test func `addition adds elements`() {
        Self.eachShape { shape, generator, parts, label in
            Self.checkPair(
                .add(input: 1), shape, shape, &generator, parts: parts, label, Reference.add)
        }
    }

    @Test func `multiplication multiplies by elements, by channels of each image and by pixels`() {
        Self.eachShape { shape, generator, parts, label in
            let steps: [(MapProgram.Step, Shape)] = [
                (.multiply(input: 1), shape),
                (.multiplyPixels(input: 1), Shape(1, shape.height, shape.width)),
                (
                    .multiplyChannels(input: 1, imagePixels: shape.height * shape.width),
                    Shape(shape.channels, 1, 1)
                ),
            ]
            for (step, factors) in steps {
                Self.checkPair(
                    step, shape, factors, &generator, parts: parts, "\(label) by \(factors)",
                    Reference.multiply)
            }
        }
    }

    @Test func `a sigmoid is that of the deployment arithmetic, bit for bit`() {
        // Every sign, exponent and upper half of a mantissa, with lower halves of every kind.
        var generator = SeededGenerator(seed: 26)
        let shape = Shape(1024, 16, 16)
        let image = ReferenceValue(
            shape,
            (0..<shape.count).map { index in
                let low = index < 1 << 16 ? 0 : UInt32(generator.integer(0...0xFFFF))
                return Float(bitPattern: UInt32(index % (1 << 16)) << 16 | low)
            })
        let expected = Reference.map(image) { x, _ in DeploymentArithmetic.sigmoid(x) }
        Self.check(single(shape, .sigmoid), image, expected, parts: 3, "\(shape)")
        let special: [Float] = [0, -0.0, .infinity, -.infinity, 200, -200, .nan, -103, -104]
        #expect(
            areEqual(
                special.map(DeploymentArithmetic.sigmoid),
                [0.5, 0.5, 1, 0, 1, 0, .nan, 0x1p-149, 0]))
    }

    @Test func `more parts than there are blocks of channels share a chain behind a real layer`() {
        for (outputs, parts) in [(1, 2), (20, 3), (33, 5), (64, 4)] {
            var generator = SeededGenerator(seed: UInt64(parts))
            let input = Shape(7, 1, 1)
            let image = ReferenceValue(input, generator.reals(7))
            let weights = generator.reals(7 * outputs)
            let expected = Reference.map(
                Reference.convolution(image, weights: weights, outputs: outputs, window: Window(1))
            ) { x, _ in max(x, 0) }
            let layer = ConvolutionOperator(
                window: bonn_window(Window(1), from: input, to: expected.shape), groups: 1,
                inputChannels: 7, outputChannels: outputs, weights: weights, bias: nil)
            for kernels in KernelSet.available {
                let output = OperatorHarness.run(
                    MappedOperator(layer, program: MapProgram(steps: [.relu])), kernels: kernels,
                    inputs: [GuardedMemory(image.values)], outputBytes: 4 * outputs, parts: parts)
                #expect(
                    output.elements(Float.self, count: outputs) == expected.values,
                    "\(outputs) outputs in \(parts) parts, \(kernels)")
            }
        }
    }

    @Test func `the sums of a binary layer are scaled and shifted with two roundings`() {
        for seed in 0..<60 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let groups = generator.integer(1...3)
            let input = Shape(64 * groups, generator.integer(1...4), generator.integer(1...4))
            let outputs = groups * generator.integer(1...20)
            let weights = (0..<outputs * 64).map { _ in generator.sign() }
            let image = ReferenceValue(input) { _, _, _ in generator.sign() }
            let scale = generator.reals(outputs)
            let bias = generator.oneIn(2) ? generator.reals(outputs) : nil
            let sums = Reference.convolution(
                image, weights: weights, outputs: outputs, window: Window(1), groups: groups)
            let expected = OperatorHarness.channelsLast([
                Reference.map(sums) { sum, c in
                    let product: Float = sum * scale[c]
                    return bias.map { product + $0[c] } ?? product
                }
            ])
            let step =
                bias.map {
                    MapProgram.Step.affine(
                        scale: ConstantBuffer.of(scale), shift: ConstantBuffer.of($0))
                } ?? .scale(ConstantBuffer.of(scale))
            for kernels in KernelSet.available {
                let body = BinaryConvolutionOperator(
                    window: bonn_window(Window(1), from: input, to: sums.shape), groups: groups,
                    inputChannels: input.channels, outputChannels: outputs, isSigned: true,
                    padding: .zero, pixelWords: groups,
                    words: BitLayout.packSigned(weights, channels: 64),
                    program: MapProgram(steps: [step]), kernels: kernels)
                let output = OperatorHarness.run(
                    body, kernels: kernels,
                    inputs: [GuardedMemory(OperatorHarness.packed([image]))],
                    outputBytes: 4 * expected.count, parts: generator.integer(1...6))
                #expect(
                    output.elements(Float.self, count: expected.count) == expected,
                    "seed \(seed), \(kernels)")
            }
        }
    }
}
