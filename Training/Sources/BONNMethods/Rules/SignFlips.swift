import BONNNetworks
import Torch

/// Training without latent weights: weights are +-1, and one is flipped where a moving average of its gradient
/// is large and has its sign, so that the loss falls when it is flipped.
///
///     m <- m + gamma (g - m);  w <- -w where |m| > tau and sign(m) = sign(w), which is w m > tau
///     with a second moment:  v <- v + sigma (g^2 - v), and m / (sqrt(v) + 1e-10) in the place of m
///     without the bias of the first steps:  m / c_m and v / c_v in their places, where c is the same average of 1
///
/// The gradients of these weights end here: an optimizer leaves alone what has none.
final class SignFlips: TrainingRule {
    /// The numbers of a step.
    struct Rates: Equatable {
        /// How fast the first moment follows.
        var gamma: Double
        /// How fast the second moment follows; nil: there is none.
        var sigma: Double?
        /// tau.
        var threshold: Double
    }

    private struct Layer {
        let latent: Tensor
        let first: Parameter
        let second: Parameter?
    }

    private let layers: [Layer]
    /// c of the first and of the second moment, `[2]`; nil: moments keep their bias.
    private let counts: Parameter?
    private let rates: (RunProgress) -> Rates

    private static let epsilon = 1e-10

    /// - Parameters:
    ///   - isUnbiased: whether moments are divided by c.
    ///   - rates: of each step; a second moment is there in all of them or in none.
    init(
        _ network: Network, isUnbiased: Bool = false, rates: @escaping (RunProgress) -> Rates
    ) throws(TorchError) {
        self.rates = rates
        let scope = ParameterStore(seed: 0, device: network.store.device).root / "flips"
        let hasSecond = rates(.start).sigma != nil
        var layers: [Layer] = []
        for layer in network.quantizedLayers {
            func moment(_ name: String) throws(TorchError) -> Parameter {
                try (scope / layer.name).parameter(
                    name, layer.latent.tensor.shape, .constant(0), role: .buffer)
            }
            layers.append(
                Layer(
                    latent: layer.latent.tensor, first: try moment("first_moment"),
                    second: hasSecond ? try moment("second_moment") : nil))
        }
        self.layers = layers
        counts = isUnbiased ? try scope.parameter("counts", [2], .constant(0), role: .buffer) : nil
    }

    var state: [Parameter] {
        layers.flatMap { [$0.first] + ($0.second.map { [$0] } ?? []) }
            + (counts.map { [$0] } ?? [])
    }

    func gradientsReady(_ progress: RunProgress) throws(TorchError) {
        let rates = rates(progress)
        try withoutGradient { () throws(TorchError) in
            if let counts {
                let speeds = [rates.gamma, rates.sigma ?? 1].map(Float.init)
                let speed = try Tensor(speeds, shape: [2], device: counts.tensor.device)
                try counts.tensor.add_((1.0 - counts.tensor) * speed)
            }
            for layer in layers {
                guard let gradient = layer.latent.grad else { continue }
                let signs = try signOrPlusOne(layer.latent)
                let isFlipped = try (signs * signal(of: layer, gradient, rates))
                    .gt(rates.threshold)
                try layer.latent.copy_(from: Tensor.where(isFlipped, -signs, signs))
                try layer.latent.setGrad(nil)
            }
        }
    }

    /// The moments with one gradient more, and what is compared with the threshold.
    private func signal(
        of layer: Layer, _ gradient: Tensor, _ rates: Rates
    ) throws(TorchError) -> Tensor {
        let first = layer.first.tensor
        try first.add_(gradient - first, scale: rates.gamma)
        let mean = try unbiased(first, 0)
        guard let second = layer.second?.tensor, let sigma = rates.sigma else { return mean }
        try second.add_(gradient.square() - second, scale: sigma)
        return try mean / (unbiased(second, 1).sqrt() + Self.epsilon)
    }

    private func unbiased(_ moment: Tensor, _ index: Int) throws(TorchError) -> Tensor {
        guard let counts else { return moment }
        return try moment / counts.tensor.select(dim: 0, index: index)
    }
}
