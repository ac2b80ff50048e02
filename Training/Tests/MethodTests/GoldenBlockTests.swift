import BONNMethods
import BONNModelFormat
import BONNNetworks
import Testing
import Torch

/// One block, forward, backward and in evaluation, against what plain PyTorch recorded.
@Suite struct GoldenBlockTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let outputs: Int
        let stride: Int
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "same", outputs: 4, stride: 1), Case(name: "down", outputs: 6, stride: 2),
    ]

    /// PyTorch's names of the parameters, and ours.
    static let names = [
        "bn.weight": "block.0.norm.weight", "bn.bias": "block.0.norm.bias",
        "conv.X": "block.0.convolution.weight", "conv.w": "block.0.convolution.w",
        "prelu.weight": "block.0.prelu.weight",
        "shortcut.0.weight": "block.shortcut.convolution.weight",
        "shortcut.1.weight": "block.shortcut.norm.weight",
        "shortcut.1.bias": "block.shortcut.norm.bias",
    ]

    @Test(arguments: cases, [true, false])
    func `a block is PyTorch's, forward, backward and in evaluation`(
        aCase: Case, isFusing: Bool
    ) throws {
        let golden = try GoldenFormulaTests.file.get()
        let prefix = "f32/block/\(aCase.name)/"
        let x = try golden.leaf(prefix + "in.x")
        let g = try golden(prefix + "in.g")
        // The block alone: its value is what the network puts out.
        var plan = PlanBuilder(input: Shape(x.shape[1], x.shape[2], x.shape[3]))
        let method = BONN()
        let block = try method.style.block(
            &plan, PlanBuilder.input, "block", outputs: aCase.outputs, stride: aCase.stride)
        let network = try Network(plan.plan(features: block, output: block), method, seed: 1)
        let store = network.store
        let present = Self.names.filter { golden.names.contains(prefix + "in.\($0.key)") }
        #expect(present.count == (aCase.stride == 1 ? 5 : 8))
        for (theirs, ours) in present {
            let parameter = try #require(store[ours], "no parameter \(ours)")
            let values = try golden(prefix + "in.\(theirs)")
            try withoutGradient { () throws(TorchError) in
                try parameter.tensor.copy_(from: values.reshape(parameter.tensor.shape))
            }
        }
        let y = try network(x, Pass(.training, isFusing: isFusing)).logits.reshape(g.shape)
        try (y * g).sum().backward()
        let tolerance = 5e-5
        try GoldenFormulaTests.expect(y, golden, prefix + "out.y", tolerance)
        try GoldenFormulaTests.expect(x.grad, golden, prefix + "out.dx", tolerance)
        for (theirs, ours) in present {
            try GoldenFormulaTests.expect(
                store[ours]?.tensor.grad, golden, prefix + "out.d\(theirs)", tolerance)
        }
        for (theirs, ours) in ["running_mean", "running_var"].map({
            ("bn.\($0)", "block.0.norm.\($0)")
        }) {
            try GoldenFormulaTests.expect(
                store[ours]?.tensor, golden, prefix + "out.\(theirs)", tolerance)
        }
        let input = try golden(prefix + "in.x")
        let evaluated = try withoutGradient { () throws(TorchError) in
            try network(input, Pass(.evaluation, isFusing: isFusing)).logits
        }
        let deployed = try DeployedNetwork(network)(input).logits
        for found in [evaluated, deployed] {
            try GoldenFormulaTests.expect(found, golden, prefix + "out.evaluation", tolerance)
        }
    }
}
