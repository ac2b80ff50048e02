import BONNModelFormat
import BONNNetworks
import Testing
import Torch

@testable import BONNMethods

/// The blocks of every method, forward, backward and in evaluation, against numbers of an independent script.
@Suite struct MethodBlockTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let file: String
        let name: String
        let method: any Method
        let build: @Sendable (inout PlanBuilder, any BlockStyle, Int, Int) throws -> Name
        var hasRealWeights = false
        var testDescription: String { name }
    }

    static let cases = [
        Case(file: "bonn", name: "block/bonn", method: BONN(), build: block),
        Case(file: "xnor", name: "block/xnor", method: XNORNet()) { plan, style, outputs, _ in
            let y = try unit(&plan, style, outputs, 1)
            let pool = Pool(window: Window(2, stride: 2))
            return try plan.add(.averagePool(pool), "pool", y)
        },
        Case(file: "bireal", name: "block/bireal/same", method: BiRealNet(), build: block),
        Case(file: "bireal", name: "block/bireal/down", method: BiRealNet(), build: block),
        Case(file: "abc", name: "block/abc", method: ABCNet()) { plan, style, outputs, _ in
            try plan.add(.quantize, "next", unit(&plan, style, outputs, 1))
        },
        Case(file: "tbn", name: "block/tbn", method: TBN(), build: unit),
        Case(file: "reactnet", name: "block/reactnet/same", method: ReActNet(), build: block),
        Case(file: "reactnet", name: "block/reactnet/down", method: ReActNet(), build: block),
        Case(
            file: "reactnet", name: "block/reactnet/step1", method: ReActNet(), build: block,
            hasRealWeights: true),
        Case(file: "bnn", name: "block/bnn", method: BNN(), build: block),
        Case(file: "bwn", name: "block/bwn/same", method: BWN(), build: block),
        Case(file: "bwn", name: "block/bwn/down", method: BWN(), build: block),
        Case(file: "dorefa", name: "block/dorefa/W1A2", method: DoReFaNet(), build: block),
        Case(file: "tang", name: "block/tang", method: TangNet(), build: block),
        Case(file: "irnet", name: "block/irnet/same", method: irnet, build: block),
        Case(file: "irnet", name: "block/irnet/down", method: irnet, build: block),
        Case(file: "recu", name: "block/recu", method: ReCU(), build: block),
        Case(
            file: "adabin", name: "block/adabin",
            method: AdaBin(initialSharpness: 0.1, normalizesEnds: false), build: block),
    ]

    private static let irnet = IRNet(initialSharpness: 0.1, normalizesFeatures: false)

    @Sendable private static func block(
        _ plan: inout PlanBuilder, _ style: any BlockStyle, _ outputs: Int, _ stride: Int
    ) throws -> Name {
        try style.block(&plan, PlanBuilder.input, "block", outputs: outputs, stride: stride)
    }

    @Sendable private static func unit(
        _ plan: inout PlanBuilder, _ style: any BlockStyle, _ outputs: Int, _ stride: Int
    ) throws -> Name {
        let layer = PlanBuilder.convolution3x3(outputs: outputs, stride: stride)
        return try style.unit(&plan, PlanBuilder.input, "block.0", layer, pool: nil)
    }

    /// The script's names of parameters, and ours.
    private static let names = [
        "bn.weight": "block.0.norm.weight", "bn.bias": "block.0.norm.bias",
        "bn.running_mean": "block.0.norm.running_mean",
        "bn.running_var": "block.0.norm.running_var",
        "weight": "block.0.convolution.weight", "w": "block.0.convolution.w",
        "b0": "block.0.sign.bias", "b1": "block.shift_in.bias",
        "b2": "block.shift_out.bias", "running_threshold": "block.0.sign.threshold",
        "shortcut.weight": "block.shortcut.convolution.weight",
        "shortcut.bn.weight": "block.shortcut.norm.weight",
        "shortcut.bn.bias": "block.shortcut.norm.bias",
        "shortcut.bn.running_mean": "block.shortcut.norm.running_mean",
        "shortcut.bn.running_var": "block.shortcut.norm.running_var",
        "running_scales": "block.0.sign.scales", "scale": "block.0.convolution.scale",
        "distance": "block.0.sign.distance", "center": "block.0.sign.center",
        "gain": "block.maxout.gain.weight",
    ]

    /// Our name of a parameter of the script, or nil. Blocks of two units name those by number.
    private static func ours(_ name: String, _ network: Network) -> String? {
        if name == "prelu" {
            return ["block.0.prelu.weight", "block.prelu.weight", "block.maxout.prelu.weight"]
                .first { network.store[$0] != nil }
        }
        for unit in ["0", "1"] where name.hasPrefix("\(unit).") {
            return names[String(name.dropFirst(2))].map {
                $0.replacing("block.0.", with: "block.\(unit).")
            }
        }
        return names[name]
    }

    private static func parts(
        _ name: String, _ values: Tensor, _ network: Network
    ) throws -> [(Parameter, Tensor)] {
        if let ours = ours(name, network) {
            return [(try #require(network.store[ours], "no \(ours)"), values)]
        }
        let isNext = name.hasPrefix("next.")
        let prefix = isNext ? name : "block.0.sign.\(name)"
        return try (0..<values.shape[0]).map { plane in
            (
                try #require(network.store["\(prefix)\(plane)"], "no \(prefix)\(plane)"),
                try values.narrow(dim: 0, start: plane, length: 1)
            )
        }
    }

    @Test(arguments: cases, [true, false])
    func `a block is that of an independent script`(aCase: Case, isFusing: Bool) throws {
        let record = try MethodRecord(aCase.file, aCase.name)
        let x = try record.input("x").requiresGradient(true)
        let g = try record.input("g")
        let method = aCase.method
        var builder = PlanBuilder(input: Shape(x.shape[1], x.shape[2], x.shape[3]))
        let outputs = try record.input(record.inputs["weight"] == nil ? "0.weight" : "weight")
            .shape[0]
        let stride = aCase.name.hasSuffix("down") ? 2 : 1
        let output = try aCase.build(&builder, method.style, outputs, stride)
        var plan = try builder.plan(features: output, output: output)
        if aCase.hasRealWeights { plan = plan.withRealWeights() }
        let network = try Network(plan, method, seed: 1)
        for name in record.parameters {
            for (parameter, value) in try Self.parts(name, record.input(name), network) {
                try withoutGradient { () throws(TorchError) in
                    try parameter.tensor.copy_(from: value.reshape(parameter.tensor.shape))
                }
            }
        }
        let pass = try record.settings.pass(.training, isFusing: isFusing)
        let y = try network(x, pass).logits.reshape(g.shape)
        try (y * g).sum().backward()
        let tolerance: Float = 5e-5
        try record.expect(y, record.results["output"], "output", tolerance: tolerance)
        try record.expect(x.grad, record.gradients["x"], "gradient of x", tolerance: tolerance)
        for name in record.parameters {
            let wanted = try #require(record.gradients[name])
            let found = try Self.parts(name, wanted.tensor(), network).map {
                try #require($0.0.tensor.grad, "no gradient of \(name)")
            }
            try record.expect(
                found.count == 1 ? found[0] : Tensor.cat(found), wanted, "gradient of \(name)",
                tolerance: tolerance)
        }
        for (name, wanted) in record.results where name.contains("running") {
            let found = try Self.parts(name, wanted.tensor(), network)[0].0.tensor
            try record.expect(found, wanted, name, tolerance: tolerance)
        }
        let input = try record.input("x")
        let evaluated = try withoutGradient { () throws(TorchError) in
            try network(input, Pass(.evaluation, isFusing: isFusing)).logits.reshape(g.shape)
        }
        try record.expect(
            evaluated, record.results["evaluation"], "evaluation", tolerance: tolerance)
    }
}
