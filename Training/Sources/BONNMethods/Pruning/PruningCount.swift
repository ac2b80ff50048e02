import BONNModelFormat
import BONNNetworks
import Torch

/// What pruning has left of a layer with weights.
public struct PruningCount: Sendable, Equatable {
    /// The layer.
    public let layer: String
    /// Whether its weights are signs.
    public let isBinary: Bool
    /// Filters.
    public let filters: Int
    /// Filters that differ from each other; of a 1-bit layer, in their signs.
    public let differentFilters: Int
    /// Weights.
    public let weights: Int
    /// Weights that are not 0; of a 1-bit layer, those of its different filters.
    public let weightsLeft: Int
    /// Multiply-accumulates for an image.
    public let macs: Int
    /// Multiply-accumulates with what is left.
    public let macsLeft: Int
    /// Bits of the weights, all of them stored: 32 or 1 each.
    public let bits: Int
    /// Bits of what is left. A real weight that is not 0 has 32, and the distance from the one before in 8 bits, in
    /// fully connected layers 5 (Han et al., 2015). A 1-bit layer has its different filters, and for each filter the
    /// number of one of them.
    public let bitsLeft: Int
}

extension Network {
    /// What pruning has left of each layer with weights, in order of execution.
    ///
    /// - Throws: `TorchError` when the device refuses.
    public func pruningCounts() throws -> [PruningCount] {
        try plan.layers.compactMap { layer in
            let binary = quantizedLayers.first { $0.name == layer.name.text }
            let real = realWeights.first { $0.name == layer.name.text }?.weight
            guard let weight = binary?.latent ?? real else { return nil }
            let values = try weight.tensor.detached().to(.cpu).contiguous().floats()
            return PruningCount(
                layer, values: values, macs: plan.macs(of: layer), isBinary: binary != nil)
        }
    }
}

extension PruningCount {
    /// Counts what there is in the numbers of a layer.
    init(_ layer: PlannedLayer, values: [Float], macs: Int, isBinary: Bool) {
        let filters = layer.shape.channels
        let length = values.count / filters
        let rows = (0..<filters).map { row in
            values[row * length..<(row + 1) * length].map { isBinary ? ($0 >= 0 ? 1 : -1) : $0 }
        }
        let different = Set(rows).count
        let nonzero = values.count { $0 != 0 }
        let isLinear = if case .linear = layer.layer { true } else { false }
        // The smallest number of bits that numbers the different filters.
        let numbering = Int.bitWidth - max(0, different - 1).leadingZeroBitCount
        self.layer = layer.name.text
        self.isBinary = isBinary
        self.filters = filters
        differentFilters = different
        weights = values.count
        weightsLeft = isBinary ? different * length : nonzero
        self.macs = macs
        // Each weight has one for each pixel.
        macsLeft = weightsLeft * layer.shape.height * layer.shape.width
        bits = isBinary ? values.count : 32 * values.count
        if isBinary {
            bitsLeft = different == filters ? bits : weightsLeft + filters * numbering
        } else {
            bitsLeft = nonzero == values.count ? bits : nonzero * (32 + (isLinear ? 5 : 8))
        }
    }
}
