import BONNMethods
import BONNModelFormat
import BONNNetworks
import Testing
import Torch

/// Whatever window a plan accepts is computed, in evaluation and in deployment arithmetic, with the shape that
/// the plan has; everything else is refused by the plan.
@Suite struct PlanWindowTests {
    /// Windows of any numbers, most of which no network has.
    private static func drawn(_ count: Int, seed: UInt64) throws -> [Window] {
        let numbers = try Generator(seed: seed).uniform([count, 10], low: 0, high: 1).floats()
        return (0..<count).map { index in
            let draws = numbers[index * 10..<(index + 1) * 10].map { $0 }
            func pick(_ choices: [Int], _ place: Int) -> Int {
                choices[min(choices.count - 1, Int(draws[place] * Float(choices.count)))]
            }
            let (sizes, strides) = ([1, 2, 3, 3, 4], [1, 2, 2, 3])
            let isSquare = draws[9] < 0.7
            let (height, stride) = (pick(sizes, 0), pick(strides, 2))
            let dilation = pick([1, 1, 1, 2], 8)
            let pad = pick([0, 0, 1, 2], 4)
            func side(_ place: Int) -> Int { isSquare ? pad : pick([0, 1, 2, -1], place) }
            return Window(
                height: height, width: isSquare ? height : pick(sizes, 1), strideHeight: stride,
                strideWidth: isSquare ? stride : pick(strides + [0], 3), padTop: pad,
                padBottom: draws[5] < 0.3 ? pick([0, 1, 2], 6) : side(5), padLeft: side(6),
                padRight: side(7), dilationHeight: dilation, dilationWidth: dilation)
        }
    }

    private static func layer(_ kind: Int, _ window: Window) -> LayerPlan {
        switch kind {
        case 0: .convolution(ConvolutionPlan(outputs: 4, window: window, groups: 2))
        case 1: .maxPool(Pool(window: window))
        case 2: .averagePool(Pool(window: window))
        default: .averagePool(Pool(window: window, countsPadding: false))
        }
    }

    @Test(arguments: 0..<4)
    func `what a plan accepts is computed, and everything else is refused`(kind: Int) throws {
        var accepted = 0
        var refused = 0
        let images = try Generator(seed: 3).normal([2, 2, 7, 9])
        for window in try Self.drawn(400, seed: UInt64(kind + 1)) {
            var builder = PlanBuilder(input: Shape(2, 7, 9))
            let plan: NetworkPlan
            do {
                plan = try builder.plan(
                    features: builder.add(Self.layer(kind, window), "layer", PlanBuilder.input),
                    output: builder.add(.flatten, "flat", "layer"))
            } catch {
                #expect("\(error)".contains("layer"), "\(window)")
                refused += 1
                continue
            }
            accepted += 1
            let network = try Network(plan, FullPrecision(), seed: 5)
            let shape = try #require(plan.shape(of: "layer"))
            let (trained, deployed) = try withoutGradient {
                (try network(images, .evaluation), try DeployedNetwork(network)(images))
            }
            #expect(trained.features.shape == [2, shape.count], "\(window)")
            #expect(deployed.features.shape == [2, shape.count], "\(window)")
            let largest = try (trained.features - deployed.features).abs().flatten().amax([0])
                .item()
            #expect(largest < 1e-5, "\(window)")
        }
        #expect(accepted > 20 && refused > 20, "\(accepted) accepted, \(refused) refused")
    }

    @Test func `max pooling of planes that may fall is refused in deployment arithmetic too`()
        throws
    {
        var builder = PlanBuilder(input: Shape(3, 4, 4))
        let bits = try builder.add(.quantize, "sign", PlanBuilder.input)
        let pooled = try builder.add(.maxPool(Pool(window: Window(2, stride: 2))), "pool", bits)
        let y = try builder.convolution(
            pooled, "layer", outputs: 2, window: Window(2), weights: .quantized)
        let network = try Network(
            builder.plan(features: y, output: y), ABCNet(kernelTerms: 1, activationPlanes: 2),
            seed: 1)
        let images = try Generator(seed: 4).normal([2, 3, 4, 4])
        _ = try DeployedNetwork(network)(images)
        try withoutGradient { () throws(TorchError) in
            try network.store["sign.beta1"]?.tensor.fill_(-0.5)
        }
        let error = #expect(throws: LoweringError.self) { try DeployedNetwork(network)(images) }
        #expect(error?.code == .unsupported && error?.message.hasPrefix("pool: ") == true)
        // Evaluation takes the largest sum, whatever the weights.
        _ = try withoutGradient { () throws(TorchError) in try network(images, .evaluation) }
    }
}
