import BONNMethods
import BONNModelFormat
import BONNNetworks
import Testing
import Torch

/// The sums of `DeployedNetwork` against the definition in plain loops.
@Suite struct DeploymentArithmeticTests {
    /// Shapes around the tiles: fewer and more channels and pixels than one tile holds.
    struct Case: CustomStringConvertible {
        var images = 1
        var inputs: Int
        var outputs: Int
        var height: Int
        var width: Int
        var kernel: Int
        var stride = 1
        var padding = 0
        var dilation = 1
        var bias = false

        var description: String {
            "\(images) x \(inputs) x \(height) x \(width), \(outputs) outputs, kernel \(kernel), "
                + "stride \(stride), padding \(padding), dilation \(dilation)\(bias ? ", bias" : "")"
        }
        var outHeight: Int { outputs(height) }
        var outWidth: Int { outputs(width) }
        private func outputs(_ size: Int) -> Int {
            (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1
        }
    }

    static let cases = [
        Case(
            images: 2, inputs: 3, outputs: 20, height: 11, width: 15, kernel: 7, stride: 2,
            padding: 3),
        Case(
            images: 2, inputs: 5, outputs: 16, height: 6, width: 7, kernel: 3, padding: 1,
            bias: true),
        Case(inputs: 33, outputs: 40, height: 5, width: 13, kernel: 1),
        Case(inputs: 4, outputs: 1, height: 6, width: 6, kernel: 1, stride: 2),
        Case(inputs: 2, outputs: 3, height: 3, width: 3, kernel: 5, padding: 2, bias: true),
        Case(
            inputs: 3, outputs: 18, height: 9, width: 12, kernel: 3, stride: 2, padding: 1,
            dilation: 3, bias: true),
        Case(images: 2, inputs: 2, outputs: 4, height: 6, width: 5, kernel: 2, dilation: 4),
        Case(images: 5, inputs: 70, outputs: 10, height: 1, width: 1, kernel: 1, bias: true),
    ]

    @Test(arguments: cases)
    func `a real convolution is the chain of fused multiply-adds, bit for bit`(
        _ test: Case
    ) throws {
        let generator = try Generator(seed: 31)
        let x = try generator.normal([test.images, test.inputs, test.height, test.width])
        let weight = try generator.normal([test.outputs, test.inputs, test.kernel, test.kernel])
        let bias = test.bias ? try generator.normal([test.outputs]) : nil
        let y = try Fused.chainedConv2d(
            x, weight, bias: bias, stride: test.stride, padding: test.padding,
            dilation: test.dilation)
        #expect(y.shape == [test.images, test.outputs, test.outHeight, test.outWidth])
        let expected = Self.chain(
            test, x: try x.floats(), weight: try weight.floats(), bias: try bias?.floats())
        #expect(try y.floats().map(\.bitPattern) == expected.map(\.bitPattern), "\(test)")
    }

    @Test func `a linear layer is the same chain`() throws {
        var plan = PlanBuilder(input: Shape(70, 1, 1))
        let y = try plan.add(.linear(LinearPlan(outputs: 19)), "head", PlanBuilder.input)
        let network = try Network(
            plan.plan(features: PlanBuilder.input, output: y), FullPrecision(), seed: 3)
        let x = try Generator(seed: 32).normal([4, 70])
        let expected = Self.chain(
            Case(images: 4, inputs: 70, outputs: 19, height: 1, width: 1, kernel: 1),
            x: try x.floats(), weight: try #require(network.store["head.weight"]).tensor.floats(),
            bias: try #require(network.store["head.bias"]).tensor.floats())
        let output = try DeployedNetwork(network)(x.reshape([4, 70, 1, 1]))
        #expect(output.logits.shape == [4, 19] && output.features.shape == [4, 70])
        #expect(try output.logits.floats().map(\.bitPattern) == expected.map(\.bitPattern))
    }

    @Test func `shapes that do not fit are an error`() throws {
        let generator = try Generator(seed: 33)
        let x = try generator.normal([1, 3, 4, 4])
        let shapes = [[2, 2, 3, 3], [2, 3, 5, 5], [2, 3, 3]]
        for shape in shapes {
            let weight = try generator.normal(shape)
            #expect(throws: TorchError.self) { try Fused.chainedConv2d(x, weight) }
        }
        let weight = try generator.normal([2, 3, 3, 3])
        let bias = try generator.normal([3])
        #expect(throws: TorchError.self) { try Fused.chainedConv2d(x, weight, bias: bias) }
        #expect(throws: TorchError.self) { try Fused.chainedConv2d(x.to(.float64), weight) }
    }

    private static func chain(
        _ test: Case, x: [Float], weight: [Float], bias: [Float]?
    ) -> [Float] {
        var y: [Float] = []
        let taps = test.kernel * test.kernel
        for n in 0..<test.images {
            for k in 0..<test.outputs {
                for p in 0..<test.outHeight {
                    for q in 0..<test.outWidth {
                        var sum = bias?[k] ?? 0
                        for tap in 0..<taps {
                            let row =
                                p * test.stride - test.padding
                                + tap / test.kernel * test.dilation
                            let column =
                                q * test.stride - test.padding
                                + tap % test.kernel * test.dilation
                            let isInside =
                                (0..<test.height).contains(row)
                                && (0..<test.width).contains(column)
                            for c in 0..<test.inputs {
                                let plane = (n * test.inputs + c) * test.height
                                let value =
                                    isInside ? x[(plane + row) * test.width + column] : 0
                                sum.addProduct(
                                    value, weight[(k * test.inputs + c) * taps + tap])
                            }
                        }
                        y.append(sum)
                    }
                }
            }
        }
        return y
    }
}
