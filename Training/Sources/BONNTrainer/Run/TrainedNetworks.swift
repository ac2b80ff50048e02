import BONNMethods
import BONNModelFormat
import Torch

extension TrainedNetwork {
    /// Opens networks of other runs for one that learns from them, which sees the same images.
    ///
    /// - Parameters:
    ///   - configuration: of the run that learns.
    ///   - classNames: its classes, in the order of the logits.
    ///   - device: where networks are put.
    static func opener(
        for configuration: TrainingConfiguration, classNames: [Name], device: Device
    ) -> Opener {
        { path in
            let checkpoint = try Checkpoint(path: path)
            let other = checkpoint.configuration
            func refused(_ what: String) -> TrainingError {
                TrainingError(
                    .configuration,
                    "\(path): a network to learn from, but its \(what); take another one")
            }
            guard checkpoint.state.dataset.classNames == classNames else {
                throw refused("classes are others than those of the images of this run")
            }
            guard other.preprocessing == configuration.preprocessing else {
                throw refused("images are of another size, or prepared in another way")
            }
            return TrainedNetwork(
                try checkpoint.network(on: device, source: path),
                digest: Array(checkpoint.weightsDigest.bytes))
        }
    }
}
