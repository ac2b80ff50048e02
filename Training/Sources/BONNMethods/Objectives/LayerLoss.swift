import Torch

/// A term of the loss that is a sum over quantized layers, each by itself: what methods ask of latent weights.
final class LayerLoss: Objective {
    /// The loss of one layer, a scalar.
    typealias Term = () throws(TorchError) -> Tensor

    let name: String
    private let terms: [(layer: String, term: Term)]

    /// - Parameter term: the loss of a layer; nil for those that have no part in it.
    init(_ name: String, of network: Network, _ term: (QuantizedLayer) -> Term?) {
        self.name = name
        terms = network.quantizedLayers.compactMap { layer in
            term(layer).map { (layer.name, $0) }
        }
    }

    var pullsLatentWeights: Bool { true }

    /// Whether any layer has a part in it.
    var hasTerms: Bool { !terms.isEmpty }

    func acts(at progress: RunProgress) -> Bool { hasTerms }

    func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
        var values: [Tensor] = []
        for term in terms { values.append(try term.term()) }
        return try Tensor.stack(values).sum()
    }

    /// Names the first layer whose loss is not finite.
    func complaint(value: Double) throws(TorchError) -> String {
        for term in terms {
            let value = try term.term().item()
            if !value.isFinite { return "the \(title) of \(term.layer) is \(value)" }
        }
        return "the \(title) is \(value)"
    }
}
