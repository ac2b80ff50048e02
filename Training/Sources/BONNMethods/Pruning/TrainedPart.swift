import BONNModelFormat
import BONNNetworks
import Torch

/// What of a real network a stage trains (Han et al., 2015; methods.md 2.18): after the fully connected layers are
/// pruned these alone are trained again, with fixed convolutions, and the other way round.
public enum TrainedPart: String, Sendable, CaseIterable {
    /// All of it.
    case all
    /// Everything in front of the first fully connected layer.
    case convolutions
    /// The first fully connected layer and everything behind it.
    case fullyConnected = "fully_connected"

    /// The rule that keeps the other part as it is; nil: there is none.
    ///
    /// - Throws: `NetworkError` for quantized layers, and where nothing would be trained.
    func rule(for network: Network) throws -> FixedPart? {
        guard self != .all else { return nil }
        try network.requireRealWeights("pruning.trains")
        let behind = network.plan.behindLinearLayers
        let (rear, front) = network.store.trainable.partitioned { parameter in
            network.plan.layer(of: parameter).map { behind.contains($0.name) } ?? false
        }
        let (trained, fixed) = self == .convolutions ? (front, rear) : (rear, front)
        guard !trained.isEmpty else {
            throw NetworkError(
                "pruning.trains is \(rawValue): expected a network with such layers, found none")
        }
        return FixedPart(fixed)
    }
}

/// Parameters that an optimizer leaves as they are: without a gradient they have no decay and no momentum either.
/// Running statistics go on following the batches.
final class FixedPart: TrainingRule {
    private let parameters: [Parameter]

    init(_ parameters: [Parameter]) { self.parameters = parameters }

    func gradientsReady(_ progress: RunProgress) throws(TorchError) {
        for parameter in parameters { try parameter.tensor.setGrad(nil) }
    }
}

extension NetworkPlan {
    /// Fully connected layers and all that reads what they compute.
    fileprivate var behindLinearLayers: Set<Name> {
        var found: Set<Name> = []
        for layer in layers {
            let isLinear = if case .linear = layer.layer { true } else { false }
            if isLinear || layer.inputs.contains(where: found.contains) { found.insert(layer.name) }
        }
        return found
    }
}

extension Network {
    /// - Throws: `NetworkError` that names a key, for a network with quantized layers.
    func requireRealWeights(_ key: String) throws(NetworkError) {
        guard let quantized = plan.quantizedLayers.first else { return }
        throw NetworkError(
            "\(key): expected real weights, found those of \(quantized.name), which are of few bits and have no "
                + "zero; for them there are pruning.groups and bonn prune filters")
    }
}

extension Array {
    /// The elements of which something is true, and the others, in order.
    fileprivate func partitioned(_ isFirst: (Element) -> Bool) -> ([Element], [Element]) {
        (filter(isFirst), filter { !isFirst($0) })
    }
}
