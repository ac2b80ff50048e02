import BONNNetworks
import Testing
import Torch

@testable import BONNMethods

/// Fused operations one by one against LibTorch's own.
@Suite struct FusedOperationTests {
    struct Convolution: CustomTestStringConvertible, Sendable {
        var batch = 2
        let channels: Int
        let outputs: Int
        var height = 7
        var width = 6
        var kernel = 3
        var stride = 1
        var padding = 1
        var dilation = 1
        var groups = 1

        var testDescription: String {
            "\(batch)x\(channels)x\(height)x\(width) to \(outputs), kernel \(kernel), stride \(stride), "
                + "padding \(padding), dilation \(dilation), groups \(groups)"
        }
    }

    /// Around what fits a word, joined or not; windows larger than the image; steps that skip columns.
    static let convolutions = [
        Convolution(channels: 1, outputs: 1),
        Convolution(channels: 3, outputs: 5, stride: 2),
        Convolution(channels: 16, outputs: 16),
        Convolution(channels: 21, outputs: 17, dilation: 2),
        Convolution(channels: 22, outputs: 65),
        Convolution(channels: 32, outputs: 8, stride: 2, padding: 0),
        Convolution(channels: 64, outputs: 130),
        Convolution(channels: 65, outputs: 3, stride: 3, padding: 2),
        Convolution(channels: 130, outputs: 4, kernel: 1, padding: 0),
        Convolution(channels: 12, outputs: 9, height: 2, width: 1, kernel: 5, padding: 2),
        Convolution(channels: 13, outputs: 9, height: 3, width: 9, kernel: 5, padding: 4),
        Convolution(channels: 4, outputs: 7, kernel: 3, stride: 2, padding: 3, dilation: 3),
        Convolution(batch: 1, channels: 8, outputs: 6, groups: 2),
    ]

    private struct Gradients {
        let y: [Double]
        let x: [Double]
        let kernel: [Double]
    }

    /// Signs and a kernel of signs times a magnitude an output channel; or numbers that are neither.
    private static func operands(
        _ aCase: Convolution, seed: UInt64, magnitudes: Bool, signs: Bool = true
    ) throws -> (x: Tensor, kernel: Tensor) {
        let generator = try Generator(seed: seed)
        var x = try generator.normal([aCase.batch, aCase.channels, aCase.height, aCase.width])
        if signs { x = try signOrPlusOne(x) }
        var kernel = try signOrPlusOne(
            generator.normal([
                aCase.outputs, aCase.channels / aCase.groups, aCase.kernel, aCase.kernel,
            ]))
        if magnitudes {
            kernel = try kernel * generator.uniform([aCase.outputs, 1, 1, 1], low: 0.01, high: 2)
        }
        return (try x.contiguous(channelsLast: true), kernel)
    }

    private static func gradients(
        _ operands: (x: Tensor, kernel: Tensor), seed: UInt64,
        _ body: (Tensor, Tensor) throws -> Tensor
    ) throws -> Gradients {
        let x = try operands.x.detached().requiresGradient(true)
        let kernel = try operands.kernel.detached().requiresGradient(true)
        let y = try body(x, kernel)
        let g = try Generator(seed: seed + 1).normal(y.shape)
        try (y * g).sum().backward()
        return Gradients(
            y: try y.detached().to(.float64).doubles(),
            x: try #require(x.grad).to(.float64).doubles(),
            kernel: try #require(kernel.grad).to(.float64).doubles())
    }

    private static func composed(_ aCase: Convolution) -> (Tensor, Tensor) throws -> Tensor {
        {
            try $0.conv2d(
                $1, stride: aCase.stride, padding: aCase.padding, dilation: aCase.dilation,
                groups: aCase.groups)
        }
    }

    private static func fused(
        _ aCase: Convolution, rounding: Bool = false
    ) -> (Tensor, Tensor) throws -> Tensor {
        {
            try Fused.quantizedConv2d(
                $0, $1, stride: aCase.stride, padding: aCase.padding, dilation: aCase.dilation,
                groups: aCase.groups, roundingGradients: rounding)
        }
    }

    @Test(arguments: convolutions)
    func `sums of signs are exact`(aCase: Convolution) throws {
        let operands = try Self.operands(aCase, seed: 3, magnitudes: false)
        let expected = try Self.gradients(operands, seed: 3, Self.composed(aCase))
        let found = try Self.gradients(operands, seed: 3, Self.fused(aCase))
        #expect(found.y == expected.y)
        #expect(Self.near(found.x, expected.x, 1e-6))
        #expect(Self.near(found.kernel, expected.kernel, 1e-6))
    }

    @Test(arguments: convolutions, [true, false])
    func `magnitudes, and what is no sign, change nothing but roundings`(
        aCase: Convolution, signs: Bool
    ) throws {
        let operands = try Self.operands(aCase, seed: 5, magnitudes: true, signs: signs)
        let expected = try Self.gradients(operands, seed: 5, Self.composed(aCase))
        let found = try Self.gradients(operands, seed: 5, Self.fused(aCase))
        #expect(Self.near(found.y, expected.y, 1e-6))
        #expect(Self.near(found.x, expected.x, 1e-6))
        #expect(Self.near(found.kernel, expected.kernel, 1e-6))
    }

    /// An operand has 8 significant bits, a product of two errs by 2^-8 at most, and so does the sum against the
    /// sum of magnitudes; the result is rounded once more.
    @Test(arguments: convolutions, [true, false])
    func `gradients in bfloat16 are as near as their operands`(
        aCase: Convolution, signs: Bool
    ) throws {
        let operands = try Self.operands(aCase, seed: 7, magnitudes: true, signs: signs)
        let expected = try Self.gradients(operands, seed: 7, Self.fused(aCase))
        let found = try Self.gradients(operands, seed: 7, Self.fused(aCase, rounding: true))
        #expect(found.y == expected.y)
        #expect(found.x != expected.x)
        #expect(Self.near(found.x, expected.x, 0x1p-7))
        #expect(Self.near(found.kernel, expected.kernel, 0x1p-7))
    }

    /// A single element that is no sign, a magnitude that is not the channel's, a magnitude of 0.
    @Test func `one element is enough to leave the bits`() throws {
        let aCase = Self.convolutions[2]
        for (place, value) in [("x", 0.0), ("x", 1.0000001), ("kernel", 3.0), ("kernel", 0.0)] {
            let operands = try Self.operands(aCase, seed: 9, magnitudes: false)
            let changed = place == "x" ? operands.x : operands.kernel
            let mask = try Tensor(
                (0..<changed.count).map { $0 == changed.count / 2 ? Float(1) : 0 },
                shape: changed.shape)
            let other = try changed * (1.0 - mask) + mask * value
            let all = place == "x" ? (other, operands.kernel) : (operands.x, other)
            let expected = try Self.gradients(all, seed: 9, Self.composed(aCase))
            let found = try Self.gradients(all, seed: 9, Self.fused(aCase))
            #expect(Self.near(found.y, expected.y, 1e-7), "\(place) \(value)")
            #expect(Self.near(found.kernel, expected.kernel, 1e-6), "\(place) \(value)")
        }
    }

    @Test(arguments: BlockOperationTests.slopes, [[3, 5], [2, 17, 5, 7]])
    func `a sign with a slope equals its composition`(slope: SignSlope, shape: [Int]) throws {
        let values = try Generator(seed: 11).normal(shape)
        for layout in [false, true] where !layout || shape.count == 4 {
            func gradient(isFusing: Bool) throws -> ([Double], [Double]) {
                let x = try values.detached().contiguous(channelsLast: layout)
                    .requiresGradient(true)
                let y = try SignQuantizer(slope)(x, Pass(.training, isFusing: isFusing))
                try (y * values.square()).sum().backward()
                return (
                    try y.detached().to(.float64).doubles(),
                    try #require(x.grad).to(.float64).doubles()
                )
            }
            let expected = try gradient(isFusing: false)
            let found = try gradient(isFusing: true)
            #expect(found.0 == expected.0)
            #expect(Self.near(found.1, expected.1, 1e-6))
        }
    }

    /// Numbers on both bounds among them; gradients that lie in memory as x does, and that do not.
    @Test(arguments: [[3, 5], [2, 17, 5, 7]], [false, true])
    func `a limit passes gradients within its bounds and on them`(
        shape: [Int], turned: Bool
    ) throws {
        let generator = try Generator(seed: 15)
        let values = try (generator.normal(shape) * 4.0).round() / 4.0
        let g = try generator.normal(shape).contiguous(channelsLast: turned && shape.count == 4)
        let x = try values.detached().requiresGradient(true)
        let y = try x.clamp(min: -0.5, max: 0.75)
        try (y * g).sum().backward()
        let pairs = try zip(values.to(.float64).doubles(), g.to(.float64).doubles())
        #expect(try y.detached().to(.float64).doubles() == pairs.map { min(max($0.0, -0.5), 0.75) })
        #expect(
            try #require(x.grad).to(.float64).doubles()
                == pairs.map { (-0.5...0.75).contains($0.0) ? $0.1 : 0 })
        #expect(try values.floats().contains(-0.5) && values.floats().contains(0.75), "seed 15")
    }

    /// Around a mean that is a hundred times the deviation, with its gradient.
    @Test(arguments: [false, true])
    func `a variance over the dimensions of an image is that of a plain loop`(unbiased: Bool) throws
    {
        let shape = [3, 5, 7, 6]
        let values = try (Generator(seed: 17).normal(shape) + 100.0)
            .contiguous(channelsLast: true)
        let x = try values.detached().requiresGradient(true)
        let found = try x.variance(x.dimensions(from: 1), unbiased: unbiased)
        let weights = [0.5, -2, 3]
        try (found * Tensor(weights.map(Float.init), shape: [3])).sum().backward()
        let numbers = try values.to(.float64).doubles()
        let size = numbers.count / 3
        var expected: (variances: [Double], gradients: [Double]) = ([], [])
        for image in 0..<3 {
            let own = numbers[(image * size)..<((image + 1) * size)]
            let mean = own.reduce(0, +) / Double(size)
            let divisor = Double(unbiased ? size - 1 : size)
            expected.variances.append(own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / divisor)
            expected.gradients += own.map { weights[image] * 2 * ($0 - mean) / divisor }
        }
        #expect(Self.near(try found.detached().to(.float64).doubles(), expected.variances, 1e-5))
        #expect(
            Self.near(
                try #require(x.grad).to(.float64).doubles(), expected.gradients, 1e-4))
    }

    @Test(arguments: [[2, 3, 5, 7], [1, 1], [4, 16, 33, 31]])
    func `planes of shifted signs equal their composition`(shape: [Int]) throws {
        let generator = try Generator(seed: 13)
        let values = try generator.normal(shape)
        let g = try generator.normal(shape)
        func gradient(isFusing: Bool) throws -> [[Double]] {
            let activation = try ABCNet.Activation(
                ParameterScope(ParameterStore(seed: 1, device: .cpu), path: "a"),
                shifts: [0, 1.5, -0.7])
            let x = try values.detached().requiresGradient(true)
            let parameters = activation.shifts + activation.weights
            let y = try activation(x, Pass(.training, isFusing: isFusing))
            try (y * g).sum().backward()
            let found =
                try [y.detached(), #require(x.grad)]
                + parameters.map { try #require($0.tensor.grad) }
            return try found.map { try $0.to(.float64).doubles() }
        }
        let expected = try gradient(isFusing: false)
        let found = try gradient(isFusing: true)
        for (found, expected) in zip(found, expected) {
            #expect(Self.near(found, expected, 1e-5))
        }
    }

    /// Whether all differences are within a share of the largest value.
    private static func near(_ found: [Double], _ expected: [Double], _ share: Double) -> Bool {
        let bound = share * max(1e-12, expected.map(abs).max() ?? 0)
        return found.count == expected.count
            && zip(found, expected).allSatisfy { abs($0 - $1) <= bound }
    }
}
