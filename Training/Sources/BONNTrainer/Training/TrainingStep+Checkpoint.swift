import BONNMethods
import BONNModelFormat
import Torch

extension TrainingStep {
    /// What belongs to the run beside the network: parameters of objectives and the state of rules.
    var ownParameters: [Parameter] {
        objectives.flatMap(\.parameters) + rules.flatMap(\.state) + rule.state
    }

    /// The network, what else the step remembers and the optimiser's state, as a checkpoint names them.
    func capture() throws -> [Name: Safetensors.Tensor] {
        var tensors = try TensorCoding.capture(network.store.parameters)
        tensors.merge(
            try TensorCoding.capture(ownParameters, prefix: Checkpoint.trainerPrefix)
        ) { _, new in new }
        for (name, tensor) in try optimiser.state() {
            let name: Name = "\(Checkpoint.optimizerPrefix)\(name)"
            tensors[name] = try Safetensors.Tensor(name, tensor)
        }
        return tensors
    }

    /// Takes what objectives carry from one stage to the next, as far as it fits.
    func takeCarried(from checkpoint: Checkpoint, source: String) throws {
        let stored = checkpoint.tensors(withPrefix: Checkpoint.trainerPrefix)
        for parameter in objectives.flatMap(\.carried) {
            guard let values = stored[Name(parameter.name)],
                values.shape == parameter.tensor.shape
            else { continue }
            try TensorCoding.copy(values, into: parameter.tensor, source: source)
        }
    }

    /// Puts back what `capture` took.
    ///
    /// - Throws: `.checkpoint` that names a tensor which is missing or does not fit.
    func restore(_ checkpoint: Checkpoint, source: String) throws {
        try TensorCoding.restore(
            checkpoint.networkTensors, into: network.store.parameters, source: source)
        let own = ownParameters
        let names = Set(own.map { Name($0.name) })
        try TensorCoding.restore(
            checkpoint.tensors(withPrefix: Checkpoint.trainerPrefix)
                .filter { names.contains($0.key) }, into: own, source: source)
        let state = checkpoint.tensors(withPrefix: Checkpoint.optimizerPrefix)
        try optimiser.loadState(
            try state.reduce(into: [:]) { tensors, item in
                tensors[item.key.text] = try TensorCoding.tensor(item.value, source: source).to(
                    network.store.device)
            })
    }
}
