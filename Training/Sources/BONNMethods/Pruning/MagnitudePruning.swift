import BONNConfiguration
import BONNModelFormat
import BONNNetworks
public import Torch

/// Pruning of weights by their magnitude (Han et al., Learning both Weights and Connections for Efficient Neural
/// Networks, NeurIPS 2015; methods.md 2.18): when a stage begins,
///
///     weights with |w| < q std(layer) become 0, and stay 0;
///
/// the others are trained on from their values. Pruning in turn with training is a stage for each turn, with a
/// smaller learning rate than the first (a tenth for LeNet, a hundredth for AlexNet in the paper).
///
/// std is that of all weights of a layer, those that are 0 among them, around their mean; the paper does not say
/// more `[M]`. A weight that is exactly 0 counts as pruned, so that a further stage prunes no less. Biases and batch
/// norms stay. Signs have no zero: 1-bit layers are refused, for which `GroupPruning` and `FilterPruning` are.
///
/// Reported: AlexNet 61 M to 6.7 M weights and VGG-16 138 M to 10.3 M without a loss of accuracy, LeNet-5 12 times
/// fewer.
public final class MagnitudePruning: TrainingRule {
    private let layers: [(weight: Parameter, mask: Parameter)]

    /// Prunes a network, and remembers what it pruned.
    ///
    /// - Throws: `NetworkError` for quantized layers and for names of layers without real weights.
    init(_ settings: PruningConfiguration, _ network: Network) throws {
        if let quantized = network.plan.quantizedLayers.first {
            throw NetworkError(
                "pruning.magnitude: expected real weights, found those of \(quantized.name), which are of few bits "
                    + "and have no zero; for them there are pruning.groups and bonn prune filters")
        }
        let names = network.realWeights.map(\.name)
        if let missing = settings.layers.first(where: { layer in
            !names.contains { layer.covers($0) }
        }) {
            throw NetworkError(
                "pruning.layers: expected the names of layers with weights, such as "
                    + "\(names.first ?? "none"), found \(missing.name)")
        }
        let scope = ParameterStore(seed: 0, device: network.store.device).root / "pruning"
        var layers: [(weight: Parameter, mask: Parameter)] = []
        for (name, weight) in network.realWeights {
            guard let q = settings.layers.number(for: name) ?? settings.magnitude else { continue }
            let mask = try (scope / name).parameter(
                "mask", weight.tensor.shape, .constant(1), role: .buffer)
            try withoutGradient { () throws(TorchError) in
                try mask.tensor.copy_(from: Self.mask(of: weight.tensor, q))
            }
            layers.append((weight, mask))
        }
        self.layers = layers
        try apply()
    }

    /// The masks.
    public var state: [Parameter] { layers.map(\.mask) }

    /// Puts the zeros back.
    public func afterUpdate(_ progress: RunProgress) throws(TorchError) { try apply() }

    private func apply() throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            for layer in layers {
                try layer.weight.tensor.copy_(from: layer.weight.tensor * layer.mask.tensor)
            }
        }
    }

    /// 1 for the weights of a layer that stay, 0 for the others; of the shape of the weights.
    public static func mask(of weights: Tensor, _ q: Double) throws(TorchError) -> Tensor {
        let magnitudes = try weights.detached().abs()
        let deviation = try weights.detached().to(.float64).flatten().variance([0], unbiased: false)
            .sqrt().item()
        return try magnitudes.to(.float64).ge(q * deviation).to(.float32)
            * magnitudes.gt(0).to(.float32)
    }
}

extension Network {
    /// The learned weights of real layers, with the layers' names, in order of execution.
    public var realWeights: [(name: String, weight: Parameter)] {
        plan.layers.compactMap { layer in
            switch layer.layer {
            case .convolution(let plan) where plan.weights == .real: break
            case .linear(let plan) where plan.weights == .real: break
            default: return nil
            }
            return store["\(layer.name).weight"].map { (layer.name.text, $0) }
        }
    }
}
