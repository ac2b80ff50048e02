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
/// more `[M]`. A weight that is exactly 0 counts as pruned, so that a further stage prunes no less. Neurons and filters
/// without inputs or without outputs lose their other weights too (`LostConnections`), in layers that are not pruned
/// otherwise as well: one without inputs says the same of every image, which the paper lets go. Nothing reads them
/// then, and their biases become 0 as well; other biases and batch norms stay. Signs have no zero: 1-bit layers are
/// refused, for which `GroupPruning` and `FilterPruning` are.
///
/// Reported: AlexNet 61 M to 6.7 M weights and VGG-16 138 M to 10.3 M without a loss of accuracy, LeNet-5 12 times
/// fewer.
public final class MagnitudePruning: TrainingRule {
    private let masked: [(parameter: Parameter, mask: Parameter)]

    /// Prunes a network, and remembers what it pruned.
    ///
    /// - Throws: `NetworkError` for quantized layers and for names of layers without real weights.
    init(_ settings: PruningConfiguration, _ network: Network) throws {
        try network.requireRealWeights("pruning.magnitude")
        let names = network.realWeights.map(\.name)
        if let missing = settings.layers.first(where: { layer in
            !names.contains { layer.covers($0) }
        }) {
            throw NetworkError(
                "pruning.layers: expected the names of layers with weights, such as "
                    + "\(names.first ?? "none"), found \(missing.name)")
        }
        var masks: [Name: Tensor] = [:]
        for (name, weight) in network.realWeights {
            // Of others only what loses its connections goes.
            let q = settings.layers.number(for: name) ?? settings.magnitude
            masks[Name(name)] =
                if let q { try Self.mask(of: weight.tensor, q) } else {
                    try Tensor.full(weight.tensor.shape, 1, device: weight.tensor.device)
                }
        }
        let kept = try LostConnections(network.plan, pruning: &masks).kept
        let scope = ParameterStore(seed: 0, device: network.store.device).root / "pruning"
        var masked: [(parameter: Parameter, mask: Parameter)] = []
        for (name, weight) in network.realWeights {
            if let mask = masks[Name(name)] {
                masked.append((weight, try (scope / name).buffer("mask", mask)))
            }
            if let kept = kept[Name(name)], let bias = network.store["\(name).bias"] {
                let mask = try Tensor(kept, shape: bias.tensor.shape)
                masked.append((bias, try (scope / name).buffer("bias_mask", mask)))
            }
        }
        self.masked = masked
        try apply()
    }

    /// The masks.
    public var state: [Parameter] { masked.map(\.mask) }

    /// Puts the zeros back.
    public func afterUpdate(_ progress: RunProgress) throws(TorchError) { try apply() }

    private func apply() throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            for (parameter, mask) in masked {
                try parameter.tensor.copy_(from: parameter.tensor * mask.tensor)
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

extension ParameterScope {
    /// A buffer that starts with the values of a tensor.
    fileprivate func buffer(_ name: String, _ values: Tensor) throws(TorchError) -> Parameter {
        let buffer = try parameter(name, values.shape, .constant(0), role: .buffer)
        try withoutGradient { () throws(TorchError) in try buffer.tensor.copy_(from: values) }
        return buffer
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
