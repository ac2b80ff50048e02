public import BONNModelFormat
import Foundation

/// A run at one instant: configuration, state and tensors, as one safetensors file.
///
/// Tensor names without a slash are the network's parameters and buffers under their own names, so
/// any safetensors reader can take the weights out of a checkpoint. `ema/NAME` is the moving
/// average of a parameter, `optimizer/...` the optimiser's state, `trainer/...` what else a run
/// needs to go on exactly as if it had never stopped.
///
/// A file states its SHA-256 (`Safetensors.digestKey`), so that no bit of it can change unnoticed.
/// Version 1 did not; such files are read, and `digest` is nil.
public struct Checkpoint: Sendable {
    /// The complete, resolved recipe of the run, with its stages.
    public let recipe: TrainingConfiguration
    /// What holds in the stage that the run is in: the recipe itself where it has no stages.
    public var configuration: TrainingConfiguration
    /// Where the run is.
    public var state: TrainingState
    /// The tensors by name.
    public var tensors: [Name: Safetensors.Tensor]
    /// The digest of the file that this was read from; nil where the file states none, or where it
    /// was not read from a file.
    public private(set) var digest: SHA256.Digest?

    /// The prefix of moving averages.
    public static let averagePrefix = "ema/"
    /// The prefix of the optimiser's state.
    public static let optimizerPrefix = "optimizer/"
    /// The prefix of the trainer's own tensors.
    public static let trainerPrefix = "trainer/"

    private static let format = "bonn-checkpoint"
    private static let version = "2"
    private static let versionWithoutDigest = "1"

    /// Creates a checkpoint.
    ///
    /// - Throws: `.configuration` for a state in a stage that the recipe does not have.
    public init(
        recipe: TrainingConfiguration, state: TrainingState, tensors: [Name: Safetensors.Tensor]
    ) throws(TrainingError) {
        self.recipe = recipe
        configuration = try recipe.configuration(ofStage: state.stage ?? 0)
        self.state = state
        self.tensors = tensors
    }

    /// Reads and checks a file.
    ///
    /// - Throws: `.file` when it cannot be read; `.checkpoint` when it is cut, not as it was written,
    ///   not a checkpoint or of another version.
    public init(path: String) throws(TrainingError) {
        let bytes = try File.safetensors(path)
        let contents: Safetensors.Contents
        do throws(ModelFormatError) {
            contents = try Safetensors.read(bytes)
        } catch  where error.code == .digestMismatch {
            throw TrainingError(
                .checkpoint,
                "\(path): this checkpoint is damaged, a part of it is not as it was written: \(error)"
            )
        } catch {
            throw TrainingError(.checkpoint, "\(path): not a whole checkpoint: \(error)")
        }
        let metadata = contents.metadata
        guard Name(metadata["format"] ?? "") == Name(Self.format) else {
            throw TrainingError(
                .checkpoint,
                "\(path): not a checkpoint of this program: its metadata states format "
                    + "\(printable(metadata["format"] ?? "nothing", limit: 60)), expected \(Self.format)"
            )
        }
        let version = Name(metadata["format_version"] ?? "")
        guard [Name(Self.version), Name(Self.versionWithoutDigest)].contains(version) else {
            throw TrainingError(
                .checkpoint,
                "\(path): checkpoint version \(printable(version.text, limit: 60)), expected "
                    + "\(Self.version)")
        }
        guard contents.digest != nil || version == Name(Self.versionWithoutDigest) else {
            throw TrainingError(
                .checkpoint,
                "\(path): this checkpoint is damaged: expected its SHA-256 under "
                    + "'\(Safetensors.digestKey)' in its metadata, found none")
        }
        digest = contents.digest
        guard let yaml = metadata["configuration"], let json = metadata["state"] else {
            throw TrainingError(.checkpoint, "\(path): the configuration or the state is missing")
        }
        do {
            recipe = try Recipe.read(yaml: yaml, source: path, over: .ofOlderRuns)
            state = try JSONDecoder().decode(StoredState.self, from: Data(json.utf8)).state
            configuration = try recipe.configuration(ofStage: state.stage ?? 0)
        } catch {
            throw TrainingError(.checkpoint, "\(path): the metadata is damaged: \(error)")
        }
        tensors = contents.tensors.reduce(into: [:]) { tensors, item in
            tensors[item.key] = Safetensors.Tensor(
                name: item.key, elementType: item.value.elementType, shape: item.value.shape,
                bytes: Array(bytes[item.value.range]))
        }
    }

    /// Writes the file whole or not at all; see `File.replace`.
    ///
    /// - Throws: `.diskFull` or `.file`; what was at the path before is then untouched.
    public func write(to path: String) throws(TrainingError) {
        let bytes: [UInt8]
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let json = String(decoding: try encoder.encode(state), as: UTF8.self)
            let metadata: [(key: Name, value: String)] = [
                ("format", Self.format), ("format_version", Self.version),
                ("configuration", Recipe.yaml(recipe)), ("state", json),
            ]
            bytes = try Safetensors.write(
                metadata: metadata, tensors: Array(tensors.values))
        } catch {
            throw TrainingError(.checkpoint, "\(path): cannot be put together: \(error)")
        }
        try File.replace(path, with: bytes)
    }

    /// The tensors whose names start with a prefix, under the rest of their names.
    public func tensors(withPrefix prefix: String) -> [Name: Safetensors.Tensor] {
        tensors.reduce(into: [:]) { found, item in
            guard item.key.text.hasPrefix(prefix) else { return }
            found[Name(String(item.key.text.dropFirst(prefix.count)))] = item.value
        }
    }

    /// The network's own parameters and buffers.
    public var networkTensors: [Name: Safetensors.Tensor] {
        tensors.filter { !$0.key.text.contains("/") }
    }

    /// The weights to evaluate and export: moving averages where the run keeps them.
    public var deployedTensors: [Name: Safetensors.Tensor] {
        networkTensors.merging(tensors(withPrefix: Self.averagePrefix)) { _, average in average }
    }

    /// The SHA-256 of those weights: what tells this network from another of the same shape.
    public var weightsDigest: SHA256.Digest {
        var hash = SHA256()
        for (name, tensor) in deployedTensors.sorted(by: { $0.key < $1.key }) {
            hash.update("\(name) \(tensor.elementType.rawValue) \(tensor.shape)\n".utf8)
            hash.update(tensor.bytes)
        }
        return hash.finish()
    }
}
