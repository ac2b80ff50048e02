public import BONNMethods
import BONNModelFormat
import Torch

extension Checkpoint {
    /// The same run's weights without the filters that a pruning removes: a checkpoint of a smaller network, to be
    /// trained on with `--from`, evaluated and exported.
    ///
    /// It states the smaller network in its recipe (`model.channels`), takes the weights to deploy, and has no
    /// optimizer's state and no measurements, which were those of another network.
    ///
    /// - Parameter source: the path of the checkpoint.
    /// - Throws: `.configuration` for a name that no layer has, or where nothing is removed; `.checkpoint` for
    ///   parameters that cannot be cut; `.computation` when the device refuses.
    public func pruned(
        by pruning: FilterPruning, source: String
    ) throws(TrainingError) -> (checkpoint: Checkpoint, before: Network, after: Network) {
        let network = try network(source: source)
        do {
            let selection: FilterSelection
            do {
                selection = try pruning.selection(for: network)
            } catch let error as NetworkError {
                throw TrainingError(.configuration, error.message)
            }
            guard !selection.outputs.isEmpty else {
                throw TrainingError(
                    .configuration,
                    "\(source): no filter would be removed: every layer with filters of its own keeps them all"
                )
            }
            let (smaller, model) = try network.pruned(
                selection, configuration.model, for: configuration.augmentation.imageSize)
            var recipe = recipe
            recipe.model.channels = model.channels
            var state = state
            state.progress = EpochProgress(terms: state.progress.losses.names)
            (state.metrics, state.layers, state.finalTest) = ([], [], nil)
            (state.bestEpoch, state.bestTop1, state.prepared) = (nil, nil, [])
            let tensors = try TensorCoding.capture(smaller.store.parameters)
            state.origin = WeightOrigin(
                path: source, digest: weightsDigest.description, epochs: state.epoch,
                taken: tensors.count, new: 0, left: 0)
            return (
                try Checkpoint(recipe: recipe, state: state, tensors: tensors), network, smaller
            )
        } catch let error as NetworkError {
            throw TrainingError(.checkpoint, "\(source): \(error.message)")
        } catch {
            throw TrainingError.wrapping(error, as: .computation)
        }
    }

    /// The same checkpoint with the filters of each group, which `pruning.groups` has made, in the place of the
    /// first of them.
    ///
    /// - Returns: The checkpoint, and the largest difference of a weight from that of the first filter: 0 where
    ///   training has made them the same, and then nothing changes.
    /// - Throws: `.checkpoint` for one of a run without groups.
    public func withSharedFilters(
        source: String
    ) throws(TrainingError) -> (checkpoint: Checkpoint, largestDifference: Float) {
        let network = try network(source: source)
        do {
            var shared = self
            var largest: Float = 0
            var found = false
            for layer in network.quantizedLayers {
                let name: Name = "\(Self.trainerPrefix)pruning.\(layer.name).groups"
                guard let stored = tensors[name] else { continue }
                found = true
                let groups = try TensorCoding.tensor(stored, source: source).floats().map {
                    Int($0)
                }
                let firsts = groups.map { group in Int64(groups.firstIndex(of: group) ?? 0) }
                let latent = try layer.latent.tensor.detached()
                let index = try Torch.Tensor(int64s: firsts, shape: [firsts.count])
                let replaced = try latent.indexSelect(dim: 0, index)
                largest = max(
                    largest, try (replaced - latent).abs().flatten().floats().max() ?? 0)
                let latentName = Name(layer.latent.name)
                shared.tensors[latentName] = try Safetensors.Tensor(latentName, replaced)
            }
            guard found else {
                throw TrainingError(
                    .checkpoint,
                    "\(source): expected groups of filters, as a run with pruning.groups has them, found none"
                )
            }
            return (shared, largest)
        } catch {
            throw TrainingError.wrapping(error, as: .computation)
        }
    }
}
