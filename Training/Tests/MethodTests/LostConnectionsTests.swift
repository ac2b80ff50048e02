import BONNConfiguration
import BONNModelFormat
import BONNNetworks
import Testing
import Torch

@testable import BONNMethods

/// Neurons and filters that pruning leaves without connections, and parts of a network that stay as they are, against
/// plain loops.
@Suite struct LostConnectionsTests {
    /// A convolution of 5 filters, 6 neurons that read its 4x4 pixels, 4 classes; biases, and no batch norm.
    private static func plainNetwork() throws -> Network {
        var plan = PlanBuilder(input: Shape(3, 4, 4))
        let convolution = ConvolutionPlan(outputs: 5, window: Window(3, padding: 1), hasBias: true)
        var x = try plan.add(.convolution(convolution), "filters", PlanBuilder.input)
        x = try plan.add(.relu, "filters.relu", x)
        x = try plan.add(.flatten, "row", x)
        x = try plan.add(.linear(LinearPlan(outputs: 6)), "neurons", x)
        let features = try plan.add(.relu, "neurons.relu", x)
        let logits = try plan.add(.linear(LinearPlan(outputs: 4)), "head", features)
        return try network(plan.plan(features: features, output: logits))
    }

    private static func network(_ plan: NetworkPlan) throws -> Network {
        let network = try Network(plan, FullPrecision(), seed: 3)
        let generator = try Generator(seed: 4)
        try withoutGradient { () throws(TorchError) in
            for parameter in network.store.trainable {
                try parameter.tensor.copy_(from: generator.normal(parameter.tensor.shape))
            }
        }
        return network
    }

    /// Sets weights of a layer to 0, by filter and channel.
    private static func prune(
        _ network: Network, _ layer: String, where isPruned: (_ filter: Int, _ channel: Int) -> Bool
    ) throws {
        let tensor = try #require(network.store["\(layer).weight"]).tensor
        var values = try tensor.detached().contiguous().floats()
        let window = tensor.shape.dropFirst(2).reduce(1, *)
        for index in values.indices
        where isPruned(
            index / window / tensor.shape[1], index / window % tensor.shape[1])
        {
            values[index] = 0
        }
        let pruned = try Tensor(values, shape: tensor.shape)
        try withoutGradient { () throws(TorchError) in try tensor.copy_(from: pruned) }
    }

    private static func values(_ network: Network, _ name: String) throws -> [Float] {
        try #require(network.store[name]).tensor.detached().contiguous().floats()
    }

    /// Prunes what is 0, and nothing else.
    private static func rule(_ network: Network) throws -> any TrainingRule {
        var settings = PruningConfiguration()
        settings.magnitude = 0
        return try #require(settings.rules(for: network).first)
    }

    @Test func `what has no inputs or no outputs goes, and what hangs on it alone`() throws {
        let network = try Self.plainNetwork()
        try Self.prune(network, "filters") { filter, _ in filter == 1 }
        // Of filter 3 neuron 4 alone reads, which no class does; neuron 2 reads nothing.
        try Self.prune(network, "neurons") { neuron, pixel in
            neuron == 2 || (pixel / 16 == 3 && neuron != 4)
        }
        try Self.prune(network, "head") { _, neuron in neuron == 4 }
        let rule = try Self.rule(network)
        var filters = (0..<5).map { $0 != 1 }
        var neurons = (0..<6).map { $0 != 2 }
        func reads(_ neuron: Int, _ filter: Int) -> Bool {
            filters[filter] && neurons[neuron] && (filter != 3 || neuron == 4)
        }
        for _ in 0..<20 {
            for neuron in 0..<6 {
                let hasInputs = (0..<5).contains { reads(neuron, $0) }
                neurons[neuron] = neurons[neuron] && hasInputs && neuron != 4
            }
            for filter in 0..<5 {
                filters[filter] = filters[filter] && (0..<6).contains { reads($0, filter) }
            }
        }
        #expect(filters == [true, false, true, false, true])
        #expect(neurons == [true, true, false, true, false, true])
        let kept = [
            "filters.weight": (0..<5 * 27).map { filters[$0 / 27] },
            "filters.bias": filters,
            "neurons.weight": (0..<6 * 80).map { reads($0 / 80, $0 % 80 / 16) },
            "neurons.bias": neurons,
            "head.weight": (0..<4 * 6).map { neurons[$0 % 6] },
        ]
        for (name, wanted) in kept {
            #expect(try Self.values(network, name).map { $0 != 0 } == wanted, "\(name)")
        }
        #expect(try Self.values(network, "head.bias").allSatisfy { $0 != 0 }, "classes stay")
        // Nor do they come back.
        try withoutGradient { () throws(TorchError) in
            for parameter in network.store.trainable { try parameter.tensor.fill_(1) }
        }
        try rule.afterUpdate(.start)
        for (name, wanted) in kept {
            #expect(try Self.values(network, name).map { $0 != 0 } == wanted, "\(name)")
        }
    }

    @Test func `to remove what nobody reads changes no logit`() throws {
        let network = try Self.plainNetwork()
        try Self.prune(network, "head") { _, neuron in neuron == 4 }
        try Self.prune(network, "neurons") { _, pixel in pixel / 16 == 0 }
        let images = try Generator(seed: 5).normal([3, 3, 4, 4])
        let before = try network(images, .evaluation).logits.doubles()
        _ = try Self.rule(network)
        expectClose(try network(images, .evaluation).logits.doubles(), before, 1e-6, "logits")
        let bias = try Self.values(network, "filters.bias")
        #expect(bias.map { $0 == 0 } == [true, false, false, false, false])
        #expect(try Self.values(network, "neurons.bias")[4] == 0)
    }

    @Test func `a channel that shortcuts add up is lost where all its layers have lost it`() throws
    {
        var plan = PlanBuilder(input: Shape(2, 4, 4))
        let three = ConvolutionPlan(outputs: 4, window: Window(3, padding: 1), hasBias: true)
        let first = try plan.add(.convolution(three), "first", PlanBuilder.input)
        let second = try plan.add(.convolution(three), "second", first)
        let sum = try plan.add(.add, "sum", inputs: [first, second])
        let network = try Self.network(plan.ended(sum, classes: 3))
        // Channel 0 is made by `second` alone; nothing makes 1, and nothing reads 2.
        try Self.prune(network, "first") { filter, _ in filter < 2 }
        try Self.prune(network, "second") { filter, channel in filter == 1 || channel == 2 }
        try Self.prune(network, "head") { _, channel in channel == 2 }
        _ = try Self.rule(network)
        let kept = [true, false, false, true]
        #expect(
            try Self.values(network, "first.weight").map { $0 != 0 }
                == (0..<4 * 18).map { $0 / 18 == 3 })
        #expect(
            try Self.values(network, "second.weight").map { $0 != 0 }
                == (0..<4 * 36).map { kept[$0 / 36] && kept[$0 % 36 / 9] })
        #expect(
            try Self.values(network, "head.weight").map { $0 != 0 }
                == (0..<3 * 4).map { kept[$0 % 4] })
        // What `first` says of channel 0 is added still.
        for name in ["first.bias", "second.bias"] {
            #expect(try Self.values(network, name).map { $0 != 0 } == kept, "\(name)")
        }
    }

    @Test func `layers that are not pruned lose what hangs on others alone`() throws {
        let network = try Self.plainNetwork()
        try Self.prune(network, "filters") { filter, _ in filter == 2 }
        var settings = PruningConfiguration()
        settings.layers = [NamedNumber("filters", 0)]
        _ = try settings.rules(for: network)
        #expect(
            try Self.values(network, "neurons.weight").map { $0 != 0 }
                == (0..<6 * 80).map { $0 % 80 / 16 != 2 })
        #expect(try Self.values(network, "head.weight").allSatisfy { $0 != 0 })
    }

    @Test(arguments: [TrainedPart.convolutions, .fullyConnected])
    func `of the part that is not trained no parameter has a gradient`(part: TrainedPart) throws {
        let network = try Self.plainNetwork()
        var settings = PruningConfiguration()
        settings.trains = part
        let rule = try #require(settings.rules(for: network).first)
        for parameter in network.store.trainable {
            try parameter.tensor.setGrad(Tensor.zeros(like: parameter.tensor))
        }
        try rule.gradientsReady(.start)
        for parameter in network.store.trainable {
            let isConvolution = parameter.name.hasPrefix("filters")
            #expect(
                (parameter.tensor.grad != nil) == (isConvolution == (part == .convolutions)),
                "\(parameter.name)")
        }
        #expect(try PruningConfiguration().rules(for: network).isEmpty)
    }

    @Test func `a network without the part that is to be trained is refused`() throws {
        let entry = try #require(Networks.named("mlp"))
        let plan = try entry.plan(
            input: Shape(1, 8, 8), classes: 4, widths: [4, 4, 4], style: FullPrecision().style)
        let network = try Network(plan, FullPrecision(), seed: 1)
        var settings = PruningConfiguration()
        settings.trains = .convolutions
        #expect {
            _ = try settings.rules(for: network)
        } throws: { error in
            (error as? NetworkError)?.message
                == "pruning.trains is convolutions: expected a network with such layers, found none"
        }
    }
}
