package import BONNMethods
import BONNModelFormat
package import Torch

/// Measures the binary layers at the end of each epoch.
package final class LayerObserver {
    private let layers: [QuantizedLayer]
    /// For each layer, whether each latent weight was >= 0 when the epoch began.
    private var signs: [Tensor]

    package init(_ layers: [QuantizedLayer]) throws(TorchError) {
        self.layers = layers
        signs = []
        try beginEpoch()
    }

    /// Remembers the signs, from which flips are counted.
    func beginEpoch() throws(TorchError) {
        var signs: [Tensor] = []
        for layer in layers { signs.append(try Self.signs(of: layer)) }
        self.signs = signs
    }

    /// The rows of an epoch (counted from 1; 0 before training).
    package func statistics(epoch: Int) throws -> [LayerStatistics] {
        try withoutGradient { () throws(TorchError) in
            var rows: [LayerStatistics] = []
            for (layer, before) in zip(layers, signs) {
                let latent = try layer.latent.tensor.detached()
                let magnitudes = try latent.abs()
                // Kernels that are drawn are drawn the same way each time.
                let generator = try Generator(seed: 0, device: latent.device)
                let kernel = try layer.quantizer(
                    latent, Pass(.evaluation, generator: generator))
                let count = Double(latent.count)
                let ones = [Int](repeating: 1, count: latent.shape.count - 1)
                let half = try (magnitudes.flatten(from: 1).mean([1]) * 0.5)
                    .reshape([latent.shape[0]] + ones)
                let same = try Self.signs(of: layer).eq(before).to(.float64).sum().item()
                rows.append(
                    LayerStatistics(
                        epoch: epoch, layer: layer.name,
                        meanAbsolute: try magnitudes.to(.float64).mean().item(),
                        magnitude: try kernel.abs().to(.float64).mean().item(),
                        own: try layer.quantizer.statistics(layer.latent.tensor)
                            .map { LayerStatistics.Own(name: $0.name, value: $0.value) },
                        flipRatio: (count - same) / count,
                        nearZero: try magnitudes.lt(half).to(.float64).sum().item() / count))
            }
            return rows
        }
    }

    func capture() throws -> [Name: Safetensors.Tensor] {
        try zip(layers, signs).reduce(into: [:]) { tensors, pair in
            let name = Self.name(of: pair.0)
            tensors[name] = try Safetensors.Tensor(name, pair.1)
        }
    }

    func restore(_ checkpoint: Checkpoint, source: String) throws {
        for (layer, sign) in zip(layers, signs) {
            guard let stored = checkpoint.tensors[Self.name(of: layer)] else {
                throw TrainingError(
                    .checkpoint, "\(source): the signs of \(layer.name) are missing")
            }
            try TensorCoding.copy(stored, into: sign, source: source)
        }
    }

    private static func name(of layer: QuantizedLayer) -> Name {
        "\(Checkpoint.trainerPrefix)signs/\(layer.name)"
    }

    private static func signs(of layer: QuantizedLayer) throws(TorchError) -> Tensor {
        try layer.latent.tensor.detached().ge(0.0).to(.uint8)
    }
}
