public import BONNConfiguration
public import BONNModelFormat
import BONNNetworks
import Torch

/// The channels that stay, of those groups that lose some.
public struct FilterSelection: Sendable, Equatable {
    /// The channels of values that stay, in order.
    private var kept: [Name: [Int]] = [:]
    /// How many outputs the layers that make them are left with.
    public private(set) var outputs: [Name: Int] = [:]

    init() {}

    mutating func add(_ channels: [Int], of group: ChannelGroup) {
        for value in group.values { kept[value] = channels }
        for producer in group.producers { outputs[producer] = channels.count }
    }

    /// The elements along the channels of a value that stay, nil: all. A flattened value has each channel once a
    /// pixel.
    func indices(of value: Name, _ plan: NetworkPlan) -> [Int]? {
        guard let channels = kept[value] else { return nil }
        guard let layer = plan[value], layer.layer == .flatten else { return spread(value, plan) }
        let shape = plan.shape(of: layer.inputs[0])
        let pixels = (shape?.height ?? 1) * (shape?.width ?? 1)
        let inner = indices(of: layer.inputs[0], plan) ?? channels
        return inner.flatMap { channel in (0..<pixels).map { channel * pixels + $0 } }
    }

    /// Behind a flattening, layers that keep channels keep them once a pixel.
    private func spread(_ value: Name, _ plan: NetworkPlan) -> [Int]? {
        guard let layer = plan[value], !layer.layer.hasWeights else { return kept[value] }
        return indices(of: layer.inputs[0], plan)
    }

    /// Copies what stays of one network into the smaller one.
    ///
    /// - Throws: `NetworkError` for a parameter whose numbers are not those of channels.
    func copy(from network: Network, into smaller: Network) throws {
        let plan = network.plan
        for parameter in smaller.store.parameters {
            guard let source = network.store[parameter.name] else {
                throw NetworkError(
                    "\(parameter.name): expected a parameter of both networks, found it in the pruned one alone"
                )
            }
            let layer = plan.layer(of: parameter)
            // What is fixed follows from the number of channels.
            if let layer, layer.hasFixedWeights { continue }
            var values = try source.tensor.detached()
            if let layer {
                let axes = [indices(of: layer.name, plan), indices(of: layer.inputs[0], plan)]
                for (axis, kept) in axes.enumerated() {
                    let shape = parameter.tensor.shape
                    guard let kept, axis < shape.count, values.shape[axis] != shape[axis],
                        shape[axis] == kept.count
                    else { continue }
                    let index = try Tensor(int64s: kept.map(Int64.init), shape: [kept.count])
                    values = try values.indexSelect(dim: axis, index.to(values.device))
                }
            }
            guard values.shape == parameter.tensor.shape else {
                throw NetworkError(
                    "\(parameter.name): has the shape \(source.tensor.shape) and would need "
                        + "\(parameter.tensor.shape) without the filters: its numbers are not those of channels"
                )
            }
            try withoutGradient { () throws(TorchError) in
                try parameter.tensor.copy_(from: values)
            }
        }
    }
}

extension NetworkPlan {
    /// The layer that a parameter is of: the longest name in front of its own.
    func layer(of parameter: Parameter) -> PlannedLayer? {
        var name = parameter.name
        while let dot = name.lastIndex(of: ".") {
            name = String(name[..<dot])
            if let layer = self[Name(name)] { return layer }
        }
        return nil
    }
}

extension PlannedLayer {
    fileprivate var hasFixedWeights: Bool {
        let weights: Weights? =
            switch layer {
            case .convolution(let plan): plan.weights
            case .linear(let plan): plan.weights
            default: nil
            }
        return switch weights {
        case .binomial, .mean: true
        case .real, .quantized, nil: false
        }
    }
}

extension Network {
    /// The smaller network without the filters that are not kept, and its configuration.
    ///
    /// - Parameters:
    ///   - selection: made for this network.
    ///   - configuration: what this network was made from.
    ///   - size: of its images.
    /// - Throws: `NetworkError` where the layers that are left do not fit each other, or a parameter cannot be cut.
    public func pruned(
        _ selection: FilterSelection, _ configuration: NetworkConfiguration, for size: ImageSize
    ) throws -> (network: Network, configuration: NetworkConfiguration) {
        var smaller = configuration
        smaller.channels.removeAll { selection.outputs[Name($0.name)] != nil }
        smaller.channels += plan.layers.compactMap { layer in
            selection.outputs[layer.name].map { NamedNumber(layer.name.text, Double($0)) }
        }
        let network = try Network(smaller, for: size, seed: 0, device: store.device)
        try selection.copy(from: self, into: network)
        return (network, smaller)
    }
}
