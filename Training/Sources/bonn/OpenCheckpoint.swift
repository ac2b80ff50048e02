import BONNModelFormat
import BONNTerminal
import BONNTrainer

extension Checkpoint {
    /// Reads a checkpoint, and says where nothing tells whether it is whole.
    static func open(_ path: String) throws(TrainingError) -> Checkpoint {
        let checkpoint = try Checkpoint(path: path)
        checkpoint.noteMissingDigest(path)
        return checkpoint
    }

    /// Says that a file of an earlier version states no digest.
    func noteMissingDigest(_ path: String) {
        guard digest == nil else { return }
        Terminal.note(
            "Note: \(printable(path)) states no SHA-256, as files of earlier versions: nothing tells "
                + "whether it is as it was written.")
    }
}
