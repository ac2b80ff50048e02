import Torch

/// The gradient of a value in the last backward pass: what losses that contain a derivative are made from.
final class RememberedGradient {
    private var gradient: Tensor?

    /// `x`, whose gradient is remembered.
    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        guard x.requiresGradient else { return x }
        return try x.mappingGradient { [self] (found) throws(TorchError) in
            gradient = try found.detached()
            return found
        }
    }

    /// What the last backward pass found; nil when there was none, or it was taken already.
    func take() -> Tensor? {
        defer { gradient = nil }
        return gradient
    }
}

/// What is added to gradients before an update, a layer each: derivatives of a loss that itself holds a derivative,
/// and so is known only behind the backward pass.
final class GradientTerms: TrainingRule {
    /// Changes the gradients of one layer.
    typealias Change = () throws(TorchError) -> Void

    private let terms: [Change]

    /// - Parameter term: changes the gradients of a layer; nil for those that have no part in it.
    init(of network: Network, _ term: (QuantizedLayer) -> Change?) {
        terms = network.quantizedLayers.compactMap(term)
    }

    func gradientsReady(_ progress: RunProgress) throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            for term in terms { try term() }
        }
    }
}

extension Parameter {
    /// Adds to the gradient.
    func addGradient(_ more: Tensor) throws(TorchError) {
        guard let gradient = tensor.grad else { return try tensor.setGrad(more) }
        try tensor.setGrad(gradient + more)
    }
}
