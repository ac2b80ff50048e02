import BONNModelFormat
import BONNNetworks
import Testing
import Torch

@testable import BONNMethods

/// What is drawn on purpose, and what follows the place in an epoch, beyond what recorded numbers show.
@Suite struct DrawnMethodTests {
    @Test(arguments: BayesByBackprop.BatchWeights.allCases, [1, 2, 7, 2000])
    func `the batches of an epoch share the prior`(
        weights: BayesByBackprop.BatchWeights, steps: Int
    ) {
        let method = BayesByBackprop(batchWeights: weights)
        let shares = (0..<steps).map {
            method.batchWeight(at: RunProgress(epoch: 3, epochs: 9, step: $0, steps: steps))
        }
        #expect(abs(shares.reduce(0, +) - 1) < 1e-12)
        let ratio = weights == .uniform ? 1.0 : 0.5
        for (share, next) in zip(shares, shares.dropFirst()) { #expect(next == share * ratio) }
    }

    /// A convolution, a block and a head.
    private static func network(_ method: any Method) throws -> Network {
        let entry = try #require(Networks.named("wrn22"))
        let plan = try entry.plan(
            input: Shape(3, 9, 9), classes: 4, widths: [4, 4, 4, 4], style: method.style)
        return try Network(plan, method, seed: 31)
    }

    @Test func `evaluation is of the means, or averages the probabilities of draws`() throws {
        let images = try Generator(seed: 5).normal([3, 3, 9, 9])
        let method = BayesByBackprop(initialRho: -2)
        let network = try Self.network(method)
        // A generator that training needs changes nothing.
        network.generator = try Generator(seed: 1)
        let means = try network(images, .evaluation).logits.floats()
        #expect(try network(images, .evaluation).logits.floats() == means)

        var drawing = method
        drawing.evaluationSamples = 5
        let drawn = try Self.network(drawing)
        for (mine, other) in zip(drawn.store.parameters, network.store.parameters) {
            #expect(mine.name == other.name)
            #expect(try mine.tensor.detached().equals(other.tensor.detached()))
        }
        let found = try drawn(images, .evaluation).logits.exp().floats()
        #expect(try drawn(images, .evaluation).logits.exp().floats() == found)
        // By hand: each layer's means replaced by a draw, in the network that evaluates the means.
        var sums = [Float](repeating: 0, count: found.count)
        let kept = try network.quantizedLayers.map { try $0.latent.tensor.detached().clone() }
        for seed in 0..<5 {
            let generator = try Generator(seed: UInt64(seed))
            try withoutGradient { () throws in
                for (layer, mean) in zip(network.quantizedLayers, kept) {
                    let kernel = try #require(layer.quantizer as? BayesByBackprop.Kernel)
                    let noise = try generator.normal(mean.shape)
                    try layer.latent.tensor.copy_(
                        from: mean + (kernel.rho.tensor.exp() + 1.0).log() * noise)
                }
            }
            let chances = try network(images, .evaluation).logits.softmax(dim: 1).floats()
            for index in sums.indices { sums[index] += chances[index] / 5 }
        }
        #expect(zip(found, sums).allSatisfy { abs($0 - $1) < 1e-5 })
        #expect(try network(images, .evaluation).logits.floats() != means)
    }

    @Test func `every weight is drawn, none in a stage with real weights`() throws {
        let network = try Self.network(BayesByBackprop())
        #expect(network.quantizedLayers.count == 22)
        #expect(network.store.parameters.allSatisfy { $0.role != .latent && $0.role != .weight })
        #expect(throws: TorchError.self) {
            _ = try network(Tensor.zeros([1, 3, 9, 9]), .training)
        }
        let entry = try #require(Networks.named("wrn22"))
        for method in [BayesByBackprop(), WAGE()] as [any Method] {
            let plan = try entry.plan(
                input: Shape(3, 9, 9), classes: 4, widths: [4, 4, 4, 4], style: method.style)
            let real = try Network(plan.withRealWeights(), method, seed: 31)
            #expect(real.quantizedLayers.isEmpty)
            #expect(try real.method.objectives(for: real).isEmpty)
            #expect(try real.method.classification(for: real) == nil)
        }
    }

    @Test func `a network of integers has no norm, no bias and a quantizer in front of each layer`()
        throws
    {
        for entry in Networks.all {
            let side = max(9, entry.smallestSide)
            let plan = try entry.plan(
                input: Shape(3, side, side), classes: 5,
                widths: entry.widths.indices.map { 20 + 2 * $0 }, style: WAGE().style)
            guard !plan.quantizedLayers.isEmpty else { continue }
            let network = try Network(plan, WAGE(), seed: 3)
            #expect(!network.plan.layers.contains { $0.layer == .batchNorm })
            #expect(
                network.store.trainable.allSatisfy { $0.role == .latent || $0.role == .shift },
                "\(entry.name)")
            for layer in network.plan.quantizedLayers {
                var value = layer.inputs[0]
                while let before = network.plan[value], before.layer != .quantize {
                    switch before.layer {
                    case .maxPool, .flatten: value = before.inputs[0]
                    default:
                        Issue.record("\(entry.name): \(layer.name) reads \(before.name)")
                        value = NetworkPlan.input
                    }
                }
                #expect(value != NetworkPlan.input, "\(entry.name): \(layer.name)")
            }
        }
    }

    @Test(arguments: [0.125, 1, 8])
    func `updates are whole steps, on average what is wanted`(rate: Double) throws {
        let numbers = WAGENumbers(bits: 8)
        let gradient = try Tensor([0.75, -0.3, 0.011, 0, -1.3], shape: [5])
        let generator = try Generator(seed: 8)
        var sums = [Double](repeating: 0, count: 5)
        let draws = 4000
        for _ in 0..<draws {
            let steps = try
                (numbers.update(gradient, rate: rate, noise: generator.uniform([5])) * 128)
                .doubles()
            #expect(steps.allSatisfy { $0 == $0.rounded() })
            for index in sums.indices { sums[index] += steps[index] / Double(draws) }
        }
        // Shift(1.3) = 1.
        let wanted = try gradient.doubles().map { $0 * rate }
        #expect(zip(sums, wanted).allSatisfy { abs($0 - $1) < 0.03 })
    }

    @Test func `shifts are powers of two, and an error of nothing stays so`() throws {
        let numbers = WAGENumbers(bits: 8)
        for exponent in -60...60 {
            let power = Float(sign: .plus, exponent: exponent, significand: 1)
            let x = try Tensor([0, 0], shape: [2]).requiresGradient(true)
            let error = try Tensor([power * 1.25, -power * 0.5], shape: [2])
            try numbers.ofGradient(x).backward(error)
            #expect(try x.grad?.floats() == [127 / 128, -0.5])
        }
        let x = try Tensor([1, 2], shape: [2]).requiresGradient(true)
        try numbers.ofGradient(x).backward(Tensor.zeros([2]))
        #expect(try x.grad?.floats() == [0, 0])
    }
}
