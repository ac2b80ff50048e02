import BONNData
import BONNModelFormat
import BONNRuntime
import Testing

@testable import BONNNetworks

@Suite struct PoolingFirstTests {
    /// 1x1 convolutions and other affine layers, then an average pooling, then a global average.
    struct RandomChain {
        let plan: NetworkPlan
        let pool: Pool

        init(seed: UInt64, branches: Bool = false) throws {
            var random = SeededGenerator(seed: seed)
            let size = 1 + random.integer(below: 3)
            let input = Shape(
                2 * (1 + random.integer(below: 5)), size + random.integer(below: 12 - size),
                size + random.integer(below: 10 - size))
            var plan = PlanBuilder(input: input)
            var x = PlanBuilder.input
            for index in 0..<1 + random.integer(below: 3) {
                let name: Name = "affine\(index)"
                let layer: LayerPlan
                if index == 0 || random.chance(0.4) {
                    layer = .convolution(
                        ConvolutionPlan(
                            outputs: 2 * (1 + random.integer(below: 5)), window: Window(1),
                            groups: 1 + random.integer(below: 2), hasBias: random.chance(0.5)))
                } else {
                    layer = [.batchNorm, .bias, .scale][random.integer(below: 3)]
                }
                x = try plan.add(layer, name, x)
            }
            pool = Pool(
                window: Window(
                    size, stride: 1 + random.integer(below: 3),
                    padding: random.integer(below: size / 2 + 1)),
                countsPadding: random.chance(0.5))
            var y = try plan.add(.averagePool(pool), "pool", x)
            y = try plan.add(.globalAveragePool, "mean", y)
            if branches {
                y = try plan.add(
                    .add, "sum", y, plan.add(.globalAveragePool, "other", x))
            }
            self.plan = try plan.plan(features: y, output: y)
        }
    }

    /// The graph of a plan as it stands, without the rewrite.
    static func logits(_ plan: NetworkPlan, seed: UInt64) throws -> [Float] {
        var pass = LoweringPass(plan, SeededWeights(plan: plan, seed: seed))
        let output = try pass.run()
        let graph = Graph(
            input: GraphInput(name: NetworkPlan.input, shape: plan.input, element: .real),
            nodes: pass.writer.nodes, output: output)
        return try ModelFile(metadata: ModelMetadata(graph: graph), tensors: pass.writer.tensors)
            .logits(plan.image(seed: seed))
    }

    /// Shapes of all values as the layers themselves state them.
    static func expectConsistent(_ plan: NetworkPlan, _ what: String) throws {
        var shapes: [Name: Shape] = [NetworkPlan.input: plan.input]
        for layer in plan.layers {
            let inputs = layer.inputs.compactMap { shapes[$0] }
            try #require(inputs.count == layer.inputs.count, "\(what): \(layer.name) is too early")
            #expect(try layer.layer.shape(of: inputs, name: layer.name) == layer.shape, "\(what)")
            shapes[layer.name] = layer.shape
        }
        #expect(shapes[plan.output] != nil && shapes[plan.features] != nil, "\(what)")
    }

    @Test func `a pooling commutes with the affine maps in front of it, up to rounding`() throws {
        var moved = 0
        for seed in 0..<300 as Range<UInt64> {
            let chain = try RandomChain(seed: seed)
            let rewritten = chain.plan.poolingFirst()
            let window = chain.pool.window
            let isExpected =
                window.strideHeight > 1 && (window.padTop == 0 || !chain.pool.countsPadding)
            #expect((rewritten != chain.plan) == isExpected, "seed \(seed)")
            #expect((rewritten.layers[0].name == "pool") == isExpected, "seed \(seed)")
            #expect(rewritten.layers.map(\.name).sorted() == chain.plan.layers.map(\.name).sorted())
            try Self.expectConsistent(rewritten, "seed \(seed)")
            let before = try Self.logits(chain.plan, seed: seed)
            let after = try Self.logits(rewritten, seed: seed)
            let largest = max(1, before.map(abs).max() ?? 0)
            #expect(
                zip(before, after).allSatisfy { abs($0 - $1) <= 2e-6 * largest },
                "seed \(seed): \(before), \(after)")
            #expect(rewritten.poolingFirst() == rewritten, "seed \(seed)")
            moved += isExpected ? 1 : 0
        }
        #expect(moved > 50 && moved < 250)
    }

    @Test func `a value that others read stays`() throws {
        for seed in 0..<50 as Range<UInt64> {
            let plan = try RandomChain(seed: seed, branches: true).plan
            #expect(plan.poolingFirst() == plan, "seed \(seed)")
        }
    }

    @Test func `what is no 1x1 convolution of real weights stays`() throws {
        let layers: [LayerPlan] = [
            .convolution(ConvolutionPlan(outputs: 4, window: Window(3, padding: 1))),
            .convolution(ConvolutionPlan(outputs: 4, window: Window(1, stride: 2))),
            .convolution(ConvolutionPlan(outputs: 4, window: Window(1), weights: .quantized)),
            .relu, .prelu, .batchNorm,
        ]
        for layer in layers {
            var plan = PlanBuilder(input: Shape(4, 8, 8))
            var x = try plan.add(layer, "layer", PlanBuilder.input)
            x = try plan.add(.averagePool(Pool(window: Window(2, stride: 2))), "pool", x)
            let built = try plan.ended(x, classes: 2)
            #expect(built.poolingFirst() == built, "\(layer)")
        }
    }

    @Test func `a pooling moves in front of every shortcut, and readers follow`() throws {
        let entry = try #require(Networks.named("resnet18"))
        let plan = try entry.plan(
            input: Shape(3, 33, 40), classes: 5, widths: [4, 4, 6, 8, 10], style: BONNBlock())
        let rewritten = plan.poolingFirst()
        try Self.expectConsistent(rewritten, "resnet18")
        for stage in 1...3 {
            let name: Name = "stages.\(stage).0.shortcut"
            let convolution = try #require(rewritten["\(name).convolution"])
            #expect(convolution.inputs == ["\(name).pool"])
            #expect(rewritten["\(name).pool"]?.inputs == plan["\(name).convolution"]?.inputs)
            #expect(rewritten["stages.\(stage).0.add"]?.inputs.last == "\(name).norm")
        }
        let before = try Self.logits(plan, seed: 3)
        let after = try Self.logits(rewritten, seed: 3)
        let largest = max(1, before.map(abs).max() ?? 0)
        // A rounding may turn a sign, of which there are many behind a shortcut: full precision has none.
        let (real, realFirst) = (plan.inFullPrecision(), rewritten.inFullPrecision())
        let (a, b) = (try Self.logits(real, seed: 3), try Self.logits(realFirst, seed: 3))
        #expect(before.count == after.count && largest.isFinite)
        #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 1e-4 * max(1, a.map(abs).max() ?? 0) })
    }

    @Test func `counted padding would scale the bias down at the border`() throws {
        // What the proof excludes is really different: a constant map under a padded average.
        let pool = Pool(window: Window(2, stride: 2, padding: 1), countsPadding: true)
        let tensors: [Name: ModelTensor] = [
            "weight": ModelTensor(f32: [0], shape: [1, 1, 1, 1]),
            "bias": ModelTensor(f32: [1], shape: [1]),
        ]
        let convolution = Operation.convolution(
            Convolution(window: Window(1), weight: "weight", bias: "bias"))
        func mean(_ nodes: [Node]) throws -> Float {
            let graph = Graph(
                input: GraphInput(name: "image", shape: Shape(1, 2, 2), element: .real),
                nodes: nodes + [Node("mean", .globalAveragePool, inputs: [nodes[1].name])],
                output: "mean")
            return try ModelFile(metadata: ModelMetadata(graph: graph), tensors: tensors)
                .logits([1, 2, 3, 4])[0]
        }
        let asTrained = try mean([
            Node("map", convolution, inputs: ["image"]),
            Node("pool", .averagePool(pool), inputs: ["map"]),
        ])
        let swapped = try mean([
            Node("pool", .averagePool(pool), inputs: ["image"]),
            Node("map", convolution, inputs: ["pool"]),
        ])
        #expect(asTrained == 0.25 && swapped == 1)
    }
}
