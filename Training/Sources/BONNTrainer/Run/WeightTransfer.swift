import BONNMethods
public import BONNModelFormat
import BONNNetworks
import Torch

/// A checkpoint that a new run takes its first weights from.
public struct StartingPoint: Sendable {
    /// The checkpoint.
    public let checkpoint: Checkpoint
    /// Its path, for messages.
    public let path: String

    /// Names a checkpoint.
    public init(_ checkpoint: Checkpoint, path: String) {
        self.checkpoint = checkpoint
        self.path = path
    }

    /// The configuration that a new run builds upon: the defaults, and the network of the
    /// checkpoint, whose classes and channels are those of the new data.
    public var configuration: TrainingConfiguration {
        var configuration = TrainingConfiguration()
        configuration.model = checkpoint.configuration.model
        configuration.model.classes = 0
        configuration.model.inputChannels = 0
        return configuration
    }
}

/// What a run takes from the weights of another one: every tensor of the same name, shape and type,
/// except that a head stays new where the classes are others. Moving averages are taken where the
/// other run kept them; nothing of its optimiser is.
public struct WeightTransfer: Sendable, Equatable {
    /// A tensor by name and shape.
    public struct Item: Sendable, Equatable {
        /// The name.
        public let name: Name
        /// The shape.
        public let shape: [Int]
    }

    /// Tensors whose values were taken.
    public private(set) var taken: [Item] = []
    /// Tensors of the new network that start as in any new run.
    public private(set) var new: [Item] = []
    /// Tensors of the other network without a place in the new one.
    public private(set) var left: [Item] = []
    /// What a checkpoint keeps of it.
    public let origin: WeightOrigin

    /// Copies what fits into a network.
    ///
    /// - Parameters:
    ///   - source: where the weights come from.
    ///   - network: the network of the new run, with its first weights.
    ///   - configuration: what it was made from, for messages.
    ///   - classNames: the classes of the new data.
    /// - Throws: `.checkpoint` when nothing fits, `.computation` when the device refuses.
    init(
        _ source: StartingPoint, into network: Network, _ configuration: NetworkConfiguration,
        classNames: [Name]
    ) throws {
        let checkpoint = source.checkpoint
        let stored = checkpoint.deployedTensors
        let output = network.plan.output
        let head = ["weight", "bias"].compactMap { network.store["\(output).\($0)"] }
        let takesHead =
            checkpoint.state.dataset.classNames == classNames
            && head.allSatisfy { Self.fits(stored[Name($0.name)], $0) }
        var takenNames: Set<Name> = []
        for parameter in network.store.parameters {
            let item = Item(name: Name(parameter.name), shape: parameter.tensor.shape)
            let isHead = head.contains { $0.name == parameter.name }
            guard let values = stored[item.name], Self.fits(values, parameter),
                takesHead || !isHead
            else {
                new.append(item)
                continue
            }
            try TensorCoding.copy(values, into: parameter.tensor, source: source.path)
            taken.append(item)
            takenNames.insert(item.name)
        }
        guard !taken.isEmpty else {
            let model = checkpoint.configuration.model
            throw TrainingError(
                .checkpoint,
                "\(source.path): none of its \(stored.count) tensors fits the network of this run: it "
                    + "holds \(model.network) with widths \(model.widths), this run trains "
                    + "\(configuration.network) with widths \(configuration.widths)")
        }
        // Real weights have no such parameters; a new network's belong to its own first weights.
        for layer in network.quantizedLayers
        where takenNames.contains(Name(layer.latent.name))
            && !layer.quantizer.parameters.allSatisfy({ takenNames.contains(Name($0.name)) })
        {
            try layer.quantizer.fit(layer.latent.tensor)
        }
        left = stored.filter { !takenNames.contains($0.key) }
            .map { Item(name: $0.key, shape: $0.value.shape) }
            .sorted { $0.name < $1.name }
        origin = WeightOrigin(
            path: source.path, digest: checkpoint.weightsDigest.description,
            epochs: checkpoint.state.epoch,
            taken: taken.count, new: new.count, left: left.count)
    }

    private static func fits(_ stored: Safetensors.Tensor?, _ parameter: Parameter) -> Bool {
        guard let stored else { return false }
        return stored.shape == parameter.tensor.shape
            && TensorCoding.type(of: stored) == parameter.tensor.dtype
    }
}

/// Where the first weights of a run came from, as its checkpoints keep it.
public struct WeightOrigin: Sendable, Equatable, Codable {
    /// The path of the checkpoint, as it was given.
    public let path: String
    /// The SHA-256 of its weights, in hexadecimal digits.
    public let digest: String
    /// Its complete epochs.
    public let epochs: Int
    /// Tensors whose values were taken.
    public let taken: Int
    /// Tensors of the new network that started as in any new run.
    public let new: Int
    /// Tensors of the other network without a place in the new one.
    public let left: Int
}
