public import BONNModelFormat

/// Channels that some layers make and others read: who takes one away takes it away from all of them.
///
/// A value behind a convolution has channels of its own; batch norms, activation functions and poolings keep
/// them, and an addition makes those of its two values the same. So the result of a convolution inside of a
/// shortcut is a group with one producer, and what the shortcuts of a stage add up is one with many.
public struct ChannelGroup: Sendable, Equatable {
    /// How many.
    public let channels: Int
    /// The layers with weights whose outputs they are, in order of execution.
    public internal(set) var producers: [Name] = []
    /// The layers with weights that read them, in order of execution.
    public internal(set) var readers: [Name] = []
    /// The values that have them, of which a flattened one has each channel once a pixel.
    public internal(set) var values: [Name] = []
    /// Why none of them can be taken away; nil: all but one can.
    public internal(set) var obstacle: String?
}

extension NetworkPlan {
    /// The groups of channels of all values, in order of execution.
    public var channelGroups: [ChannelGroup] {
        var finder = ChannelGroupFinder(self)
        for layer in layers { finder.add(layer) }
        finder.block(output, "are the classes")
        func inOrder(_ names: [Name]) -> [Name] {
            let wanted = Set(names)
            return ([NetworkPlan.input] + layers.map(\.name)).filter(wanted.contains)
        }
        return finder.groups.compactMap { $0 }.map { group in
            var group = group
            group.producers = inOrder(group.producers)
            group.readers = inOrder(group.readers)
            group.values = inOrder(group.values)
            return group
        }
    }

    /// The same network with other numbers of outputs of layers with weights.
    ///
    /// - Throws: `PlanError` for a layer that is not there or has no outputs of its own, and where the layers fit
    ///   each other no more.
    public func withOutputs(_ outputs: [Name: Int]) throws(PlanError) -> NetworkPlan {
        if let name = outputs.keys.sorted().first(where: { self[$0]?.layer.hasWeights != true }) {
            throw PlanError("\(name): expected the name of a layer with weights")
        }
        guard outputs[output] == nil else {
            throw PlanError("\(output): expected \(classes) outputs, one for each class")
        }
        var plan = PlanBuilder(input: input)
        for layer in layers {
            var changed = layer.layer
            switch (layer.layer, outputs[layer.name]) {
            case (.convolution(var convolution), let count?):
                convolution.outputs = count
                changed = .convolution(convolution)
            case (.linear(var linear), let count?):
                linear.outputs = count
                changed = .linear(linear)
            default: break
            }
            try plan.add(changed, layer.name, inputs: layer.inputs)
        }
        return try plan.plan(features: features, output: output)
    }
}

/// Joins values whose channels are the same.
private struct ChannelGroupFinder {
    let plan: NetworkPlan
    /// Groups by number; nil: joined with an earlier one.
    var groups: [ChannelGroup?] = []
    private var numbers: [Name: Int] = [:]

    init(_ plan: NetworkPlan) {
        self.plan = plan
        begin(NetworkPlan.input, plan.input.channels)
        block(NetworkPlan.input, "are those of the image")
    }

    mutating func add(_ layer: PlannedLayer) {
        let name = layer.name
        let input = layer.inputs[0]
        switch layer.layer {
        case .convolution(let convolution):
            read(layer, isWhole: convolution.groups == 1, weights: convolution.weights)
        case .linear(let linear):
            read(layer, isWhole: true, weights: linear.weights)
        case .quantize, .batchNorm, .bias, .scale, .relu, .hardtanh, .prelu, .absolute,
            .stopGradient, .dropout, .maxPool, .averagePool, .globalAveragePool, .flatten:
            append(name, to: input)
        case .add:
            join(layer.inputs[0], layer.inputs[1])
            append(name, to: input)
        case .multiply:
            // A factor a pixel has a channel of its own.
            if plan.shape(of: layer.inputs[0])?.channels
                == plan.shape(of: layer.inputs[1])?.channels
            {
                join(layer.inputs[0], layer.inputs[1])
            }
            append(name, to: input)
        case .concatenate:
            for input in layer.inputs { block(input, "are joined with others in \(name)") }
            begin(name, layer.shape.channels)
            block(name, "are those of other values")
        }
    }

    mutating func block(_ value: Name, _ obstacle: String) {
        guard let number = numbers[value], groups[number]?.obstacle == nil else { return }
        groups[number]?.obstacle = obstacle
    }

    private mutating func read(_ layer: PlannedLayer, isWhole: Bool, weights: Weights) {
        if let number = numbers[layer.inputs[0]] { groups[number]?.readers.append(layer.name) }
        begin(layer.name, layer.shape.channels)
        if let number = numbers[layer.name] { groups[number]?.producers.append(layer.name) }
        if !isWhole {
            block(layer.inputs[0], "are read in groups by \(layer.name)")
            block(layer.name, "are made in groups by \(layer.name)")
        }
        switch weights {
        case .real, .quantized: break
        case .binomial, .mean: block(layer.name, "have fixed weights in \(layer.name)")
        }
    }

    private mutating func begin(_ value: Name, _ channels: Int) {
        numbers[value] = groups.count
        groups.append(ChannelGroup(channels: channels, values: [value]))
    }

    private mutating func append(_ value: Name, to other: Name) {
        guard let number = numbers[other] else { return }
        numbers[value] = number
        groups[number]?.values.append(value)
    }

    private mutating func join(_ first: Name, _ second: Name) {
        guard let a = numbers[first], let b = numbers[second], a != b else { return }
        let (kept, gone) = (min(a, b), max(a, b))
        guard let other = groups[gone] else { return }
        groups[gone] = nil
        for value in other.values { numbers[value] = kept }
        groups[kept]?.producers += other.producers
        groups[kept]?.readers += other.readers
        groups[kept]?.values += other.values
        if groups[kept]?.obstacle == nil { groups[kept]?.obstacle = other.obstacle }
    }
}
