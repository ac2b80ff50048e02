import BONNModelFormat
import BONNRuntime
import Testing

@testable import BONNExport

@Suite struct GraphRewriteTests {
    /// convolutions and batch norms, then an average pooling, then a global average.
    struct RandomChain {
        var graph: Graph
        var tensors: [Name: ModelTensor] = [:]
        var pool: Pool
        var image: [Float]

        init(seed: UInt64, branches: Bool = false) {
            var generator = SplitMix(state: seed)
            let size = Int.random(in: 1...3, using: &generator)
            var shape = Shape(
                2 * Int.random(in: 1...5, using: &generator),
                Int.random(in: size...11, using: &generator),
                Int.random(in: size...9, using: &generator))
            let input = GraphInput(name: "image", shape: shape, element: .real)
            image = (0..<shape.count).map { _ in Float.random(in: -2...2, using: &generator) }
            var tensors: [Name: ModelTensor] = [:]
            func tensor(_ name: Name, _ shape: [Int]) -> Name {
                let count = shape.reduce(1, *)
                tensors[name] = ModelTensor(
                    f32: (0..<count).map { _ in Float.random(in: -1...1, using: &generator) },
                    shape: shape)
                return name
            }
            var nodes: [Node] = []
            var value: Name = "image"
            for index in 0..<Int.random(in: 1...3, using: &generator) {
                let name: Name = "affine\(index)"
                let operation: BONNModelFormat.Operation
                if index == 0 || Bool.random(using: &generator) {
                    let groups = Int.random(in: 1...2, using: &generator)
                    let outputs = 2 * Int.random(in: 1...5, using: &generator)
                    let weight = tensor(
                        "\(name).weight", [outputs, shape.channels / groups, 1, 1])
                    let bias =
                        Bool.random(using: &generator) ? tensor("\(name).bias", [outputs]) : nil
                    operation = .convolution(
                        Convolution(window: Window(1), groups: groups, weight: weight, bias: bias))
                    shape.channels = outputs
                } else {
                    operation = .batchNorm(
                        BatchNorm(
                            scale: tensor("\(name).scale", [shape.channels]),
                            shift: tensor("\(name).shift", [shape.channels])))
                }
                nodes.append(Node(name, operation, inputs: [value]))
                value = name
            }
            pool = Pool(
                window: Window(
                    size, stride: Int.random(in: 1...3, using: &generator),
                    padding: Int.random(in: 0..<size, using: &generator)),
                countsPadding: Bool.random(using: &generator))
            nodes.append(Node("pool", .averagePool(pool), inputs: [value]))
            nodes.append(Node("mean", .globalAveragePool, inputs: ["pool"]))
            var output: Name = "mean"
            if branches {
                nodes.append(Node("other", .globalAveragePool, inputs: [value]))
                nodes.append(Node("sum", .add, inputs: ["mean", "other"]))
                output = "sum"
            }
            graph = Graph(input: input, nodes: nodes, output: output)
            self.tensors = tensors
        }

        func run(_ graph: Graph) throws -> [Float] {
            let file = ModelFile(metadata: ModelMetadata(graph: graph), tensors: tensors)
            var session = try InferenceSession(Model(file), threads: 1)
            return try session.run(image)
        }

        var rewritten: Graph {
            get throws { graph.poolingFirst(types: try graph.validate(tensors: tensors)) }
        }
    }

    @Test func `a pooling commutes with the affine maps in front of it, up to rounding`() throws {
        var moved = 0
        for seed in 0..<300 {
            let chain = RandomChain(seed: UInt64(seed))
            let rewritten = try chain.rewritten
            let window = chain.pool.window
            let isExpected =
                window.strideHeight > 1 && (window.padTop == 0 || !chain.pool.countsPadding)
            #expect((rewritten != chain.graph) == isExpected, "seed \(seed)")
            #expect((rewritten.nodes[0].name == "pool") == isExpected, "seed \(seed)")
            #expect(
                rewritten.nodes.map(\.name).sorted() == chain.graph.nodes.map(\.name).sorted())
            let (before, after) = (try chain.run(chain.graph), try chain.run(rewritten))
            let largest = max(1, before.map(abs).max() ?? 0)
            #expect(
                zip(before, after).allSatisfy { abs($0 - $1) <= 2e-6 * largest },
                "seed \(seed): \(before), \(after)")
            moved += isExpected ? 1 : 0
        }
        #expect(moved > 50 && moved < 250)
    }

    @Test func `a value that others read stays`() throws {
        for seed in 0..<50 {
            let chain = RandomChain(seed: UInt64(seed), branches: true)
            let rewritten = try chain.rewritten
            #expect(rewritten == chain.graph, "seed \(seed)")
        }
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
            let file = ModelFile(metadata: ModelMetadata(graph: graph), tensors: tensors)
            var session = try InferenceSession(Model(file), threads: 1)
            return try session.run([1, 2, 3, 4])[0]
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

/// SplitMix64: the same seed gives the same cases everywhere.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
