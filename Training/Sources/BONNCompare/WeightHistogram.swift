import BONNMethods
import BONNModelFormat
public import BONNTrainer
import Foundation
import Torch

/// The latent weights of one quantized layer of a checkpoint.
public struct WeightHistogram: Sendable, Equatable, Encodable {
    /// The checkpoint, as it was named.
    public let source: String
    /// The epochs that it was trained for.
    public let epoch: Int
    /// The layer's name.
    public let layer: String
    /// The number of weights.
    public let count: Int
    /// Mean |x|.
    public let meanAbsolute: Double
    /// The standard deviation around 0.
    public let deviation: Double
    /// Share of weights within half of their filter's mean |x| of zero: 0.31 for a Gaussian, 0 for sharp modes.
    public let nearZero: Double
    /// Mean |x| of the kernel that the layer multiplies with.
    public let magnitude: Double
    /// Half the width of the histogram: nine of a thousand weights, the largest, lie outside.
    public let range: Double
    /// Shares of weights in bins of the same width over -range...range.
    public let bins: [Double]

    /// The number of bins; odd, so that one lies around 0.
    public static let binCount = 61

    /// How deep the valley around 0 is: the share in the three bins there over that in the three fullest
    /// neighbours; 1 for one mode at 0, 0 for two that are apart.
    public var valley: Double {
        let sums = bins.indices.dropFirst().dropLast().map {
            bins[$0 - 1] + bins[$0] + bins[$0 + 1]
        }
        guard let peak = sums.max(), peak > 0 else { return 1 }
        return sums[sums.count / 2] / peak
    }

    /// Counts values.
    init(
        source: String, epoch: Int, layer: String, values: [Float], nearZero: Double,
        magnitude: Double
    ) {
        (self.source, self.epoch, self.layer) = (source, epoch, layer)
        (self.nearZero, self.magnitude) = (nearZero, magnitude)
        let magnitudes = values.map { Double($0.magnitude) }.sorted()
        count = values.count
        meanAbsolute = magnitudes.reduce(0, +) / Double(max(1, count))
        deviation =
            (magnitudes.reduce(0) { $0 + $1 * $1 } / Double(max(1, count))).squareRoot()
        let last =
            magnitudes.isEmpty ? 0 : magnitudes[Int((Double(count - 1) * 0.991).rounded(.up))]
        let range = max(last * 1.1, .leastNormalMagnitude)
        self.range = range
        var counts = [Int](repeating: 0, count: Self.binCount)
        for value in values {
            let place = (Double(value) / range + 1) / 2 * Double(Self.binCount)
            guard place >= 0, place < Double(Self.binCount) else { continue }
            counts[Int(place)] += 1
        }
        let total = Double(max(1, values.count))
        bins = counts.map { Double($0) / total }
    }

    /// The histograms of the quantized layers of a checkpoint.
    ///
    /// - Parameter numbers: the places of layers in the order of execution, from 1; empty: all.
    /// - Throws: `CompareError` for a layer that is not there, `TrainingError` for a checkpoint that makes no network.
    public static func all(
        of checkpoint: Checkpoint, source: String, layers numbers: [Int] = []
    ) throws -> [WeightHistogram] {
        let network = try checkpoint.network(source: source)
        let layers = network.quantizedLayers
        for number in numbers where !(1...max(1, layers.count)).contains(number) || layers.isEmpty {
            throw CompareError(
                .request,
                "layer \(number) of \(source): expected one of its \(layers.count) quantized layers, from 1 on"
            )
        }
        let chosen = numbers.isEmpty ? layers : numbers.map { layers[$0 - 1] }
        let rows = try LayerObserver(chosen).statistics(epoch: checkpoint.state.epoch)
        return try zip(chosen, rows).map { layer, row in
            WeightHistogram(
                source: source, epoch: checkpoint.state.epoch, layer: layer.name,
                values: try layer.latent.tensor.detached().floats(), nearZero: row.nearZero,
                magnitude: row.magnitude ?? 0)
        }
    }
}
