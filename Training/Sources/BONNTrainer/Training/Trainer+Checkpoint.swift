import BONNConfiguration
public import BONNData
public import BONNMethods
import BONNModelFormat
import Foundation
public import Torch

extension Trainer {
    private static let dropoutState: Name = "\(Checkpoint.trainerPrefix)dropout_generator"

    /// Writes the checkpoint that stays and the best one, then the last; then the observers are told, the first
    /// of which writes the tables. A kill or a full disk between two of them loses nothing: a resumed run follows
    /// the last checkpoint, from which it writes the tables again, or repeats the epoch that the best one is
    /// already from.
    func save(isBest: Bool = false) throws {
        let checkpoint = try captured()
        if state.progress.steps == 0, recipe.run.keepEpochs.contains(state.epoch) {
            try checkpoint.write(to: directory.keptPath(epoch: state.epoch))
        }
        if isBest { try checkpoint.write(to: directory.bestPath) }
        try checkpoint.write(to: directory.lastPath)
        try report(.saved(path: directory.lastPath))
        lastSave = Date()
    }

    func captured() throws -> Checkpoint {
        var tensors = try step.capture()
        func add(_ more: [Name: Safetensors.Tensor]) {
            tensors.merge(more) { _, new in new }
        }
        if let averages { add(try averages.capture()) }
        if state.progress.steps > 0 { add(try observer.capture()) }
        if let generator = network.generator {
            let bytes = try generator.state()
            tensors[Self.dropoutState] = Safetensors.Tensor(
                name: Self.dropoutState, elementType: .u8, shape: [bytes.count], bytes: bytes)
        }
        return try Checkpoint(recipe: recipe, state: state, tensors: tensors)
    }

    /// Puts back everything that `captured` took.
    func restore(_ checkpoint: Checkpoint) throws {
        let source = directory.lastPath
        // Made when the run was prepared: it costs a look at every file.
        let given = state.dataset
        if let difference = checkpoint.state.dataset.difference(from: given) {
            throw TrainingError(
                .checkpoint,
                "\(source): was trained on \(checkpoint.state.dataset), the data given now: "
                    + "\(difference)")
        }
        try checkpoint.requireSameRun(recipe, source: source)
        try adoptEpochs(of: checkpoint, source: source)
        try step.restore(checkpoint, source: source)
        try averages?.restore(
            checkpoint.tensors(withPrefix: Checkpoint.averagePrefix), source: source)
        state = checkpoint.state
        state.dataset = given
        state.selection = splits.validation == nil ? .test : .validation
        // A run of another length may end with another best epoch.
        if earlierEpochs != nil { state.finalTest = nil }
        state.progress.losses = state.progress.losses.named(step.terms)
        if state.prepared == nil {
            let before = RunProgress(
                epoch: state.progress.steps > 0 ? state.epoch : state.epoch - 1,
                epochs: checkpoint.configuration.schedule.epochs)
            state.prepared = step.objectives.filter { $0.startsFromFeatures && $0.acts(at: before) }
                .map(\.name)
        }
        if state.progress.steps > 0 {
            try observer.restore(checkpoint, source: source)
        } else {
            try observer.beginEpoch()
        }
        if let generator = network.generator {
            guard let bytes = checkpoint.tensors[Self.dropoutState]?.bytes else {
                throw TrainingError(.checkpoint, "\(source): the state of dropout is missing")
            }
            try generator.restore(bytes)
        }
    }
}

extension Checkpoint {
    /// Checks that a recipe describes the run that this checkpoint belongs to.
    ///
    /// - Throws: `.checkpoint` that names the first key with another value, or the first stage.
    func requireSameRun(
        _ other: TrainingConfiguration, source: String
    ) throws(TrainingError) {
        for key in recipe.keys where key.isFixedForRun {
            let (before, now) = (key.text(in: recipe), key.text(in: other))
            guard before == now else {
                throw TrainingError(
                    .checkpoint,
                    "\(source): was trained with \(key.path) = \(before), not \(now); "
                        + "start a new run to change it")
            }
        }
        guard recipe.stages == other.stages else {
            let same = zip(recipe.stages, other.stages).prefix { $0 == $1 }.count
            throw TrainingError(
                .checkpoint,
                "\(source): was trained with another stage \(same + 1); start a new run to change it"
            )
        }
    }

    /// A data set with the labels of the classes that the network was trained on, by name.
    ///
    /// - Returns: the images, and what a person has to know about their classes.
    /// - Throws: `.data` that names a class which the network does not have.
    public func labeled(
        _ dataset: any ImageDataset, source: String
    ) throws(TrainingError) -> (dataset: any ImageDataset, notes: [String]) {
        let names = state.dataset.classNames
        do throws(DataError) {
            return try dataset.relabeled(
                names: names, count: names.count, network: source)
        } catch {
            throw TrainingError(.data, error.message)
        }
    }

    /// The network of this checkpoint with the weights to evaluate and export.
    ///
    /// - Parameters:
    ///   - device: where to put it.
    ///   - source: the path of the checkpoint, for messages.
    /// - Throws: `.checkpoint` that names a tensor which does not fit, `.computation` when the
    ///   device refuses.
    public func network(on device: Device = .cpu, source: String) throws(TrainingError) -> Network {
        do {
            let network = try Network(
                configuration.model, for: configuration.augmentation.imageSize, seed: 0,
                device: device)
            try TensorCoding.restore(
                deployedTensors, into: network.store.parameters, source: source)
            return network
        } catch let error as NetworkError {
            throw TrainingError(.checkpoint, "\(source): \(error)")
        } catch {
            throw TrainingError.wrapping(error, as: .computation)
        }
    }
}
