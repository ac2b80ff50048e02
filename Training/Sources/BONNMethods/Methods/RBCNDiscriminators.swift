import BONNModelFormat
import BONNNetworks
import Torch

extension RBCN {
    /// D of each layer.
    final class Discriminators {
        let places: [Name]
        let parameters: [Parameter]

        /// LeakyReLU's slope for negative numbers.
        private static let leak = 0.2

        init(_ network: Network, _ places: [Name]) throws(TorchError) {
            self.places = places
            let root =
                ParameterStore(
                    seed: network.store.seed, device: network.store.device
                ).root / "discriminators"
            var parameters: [Parameter] = []
            for place in places {
                let channels = network.plan.shape(of: place)?.channels ?? 0
                let scope = root / place.text
                for (layer, outputs) in [("0", channels), ("1", 1)] {
                    let shape = [outputs, channels]
                    parameters.append(
                        try (scope / layer).parameter(
                            "weight", shape, .kaiming(shape), role: .weight))
                    parameters.append(
                        try (scope / layer).parameter(
                            "bias", [outputs], .constant(0), role: .bias))
                }
            }
            self.parameters = parameters
        }

        /// What is the logarithm of D / (1 - D) of each position of the feature maps of a place.
        ///
        /// - Parameter isHeld: whether the discriminator gets no gradient.
        func callAsFunction(
            _ index: Int, _ maps: Tensor, isHeld: Bool
        ) throws(TorchError) -> Tensor {
            var numbers: [Tensor] = []
            for parameter in parameters[(4 * index)..<(4 * index + 4)] {
                numbers.append(isHeld ? try parameter.tensor.detached() : parameter.tensor)
            }
            let positions =
                maps.shape.count == 4
                ? try maps.flatten(from: 2).transpose(1, 2).reshape([-1, maps.shape[1]]) : maps
            let hidden = try positions.linear(numbers[0], numbers[1])
            return try hidden.leakyReLU(slope: Self.leak).linear(numbers[2], numbers[3])
        }
    }

    /// weight (1 - D(T))^2, the sum over the layers.
    final class GeneratorLoss: Objective {
        let name = "adversarial_loss"
        private let discriminators: Discriminators
        private let weight: Double

        init(_ discriminators: Discriminators, weight: Double) {
            self.discriminators = discriminators
            self.weight = weight
        }

        func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
            var terms: [Tensor] = []
            for (index, place) in discriminators.places.enumerated() {
                let found = try discriminators(index, pass.output.kept(place), isHeld: true)
                terms.append(try (1.0 - found.sigmoid()).square().mean())
            }
            return try Tensor.stack(terms).sum() * weight
        }
    }

    /// -log D(R) - log(1 - D(T)), the sum over the layers; both networks are held.
    final class DiscriminatorLoss: Objective {
        static let term = "discriminator_loss"

        let name = term
        private let discriminators: Discriminators
        private let real: ReferenceNetwork

        init(_ discriminators: Discriminators, _ real: ReferenceNetwork) {
            self.discriminators = discriminators
            self.real = real
        }

        /// The discriminators; where the real network is that of a checkpoint, what tells it from others.
        var parameters: [Parameter] {
            discriminators.parameters + (real.isTrained ? [] : real.parameters)
        }
        var carried: [Parameter] { discriminators.parameters }

        func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
            let output = try real(pass)
            var terms: [Tensor] = []
            for (index, place) in discriminators.places.enumerated() {
                let ofReal = try discriminators(
                    index, output.kept(place).detached(), isHeld: false)
                let ofBits = try discriminators(
                    index, pass.output.kept(place).detached(), isHeld: false)
                terms.append(try Self.softplus(-ofReal).mean())
                terms.append(try Self.softplus(ofBits).mean())
            }
            return try Tensor.stack(terms).sum()
        }

        /// log(1 + e^z), without overflow.
        private static func softplus(_ z: Tensor) throws(TorchError) -> Tensor {
            try z.relu() + ((-z.abs()).exp() + 1.0).log()
        }
    }
}
