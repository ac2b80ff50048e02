import BONNInterop
import BONNModelFormat
import BONNTestSupport

extension Target {
    /// Checkpoints of PyTorch, and safetensors files as checkpoints. The tensors of one that is read have
    /// different names, none has more elements than the file bytes, and written as safetensors and read again
    /// they are the same bit for bit.
    static let checkpoint = Target(
        name: "checkpoint",
        check: { bytes in
            let first = try Checkpoint(bytes, place: "checkpoint")
            try promise(
                Set(first.entries.map(\.name)).count == first.entries.count, "two tensors of a name"
            )
            // Tensors may share a storage; a limit keeps what is written small.
            let few = first.entries.prefix(64)
            let tensors = try few.map { entry in
                let floats = first.floats(entry)
                let shown = printable(entry.name.text, limit: 60)
                try promise(
                    floats.count <= bytes.count,
                    "\(floats.count) elements of '\(shown)' in \(bytes.count) bytes")
                try promise(
                    floats.count == (entry.shape.contains(0) ? 0 : entry.shape.reduce(1, *)),
                    "'\(shown)' has \(floats.count) elements and the shape \(entry.shape)")
                return Safetensors.Tensor(
                    name: entry.name, elementType: .f32, shape: entry.shape,
                    bytes: floats.flatMap { CheckpointBytes.number(Int($0.bitPattern), 4) })
            }
            // Names that safetensors does not allow end here.
            let written = try Safetensors.write(tensors: tensors, digest: false)
            let second = try promise("reading what was written") {
                try Checkpoint(written, place: "what was written")
            }
            let found = Dictionary(uniqueKeysWithValues: second.entries.map { ($0.name, $0) })
            // A prefix 'module.' of all names goes away at each reading.
            guard Set(found.keys) == Set(few.map(\.name)) else { return true }
            for (entry, tensor) in zip(few, tensors) {
                let again = found[entry.name].map { second.floats($0) } ?? []
                try promise(
                    again.flatMap { CheckpointBytes.number(Int($0.bitPattern), 4) } == tensor.bytes,
                    "'\(printable(entry.name.text, limit: 60))' is another tensor after writing")
            }
            return true
        },
        seeds: {
            let floats: [UInt8] = (0..<6).flatMap { [0, 0, $0, 0x3F] }
            func pickle(isLegacy: Bool) -> [UInt8] {
                let storage = CheckpointBytes.storage(count: 6, isLegacy: isLegacy)
                let tensors = CheckpointBytes.dictionary([
                    ("w", CheckpointBytes.tensor(storage, shape: [2, 3], strides: [3, 1])),
                    ("turned", CheckpointBytes.tensor(storage, shape: [3, 2], strides: [1, 3])),
                    ("scalar", CheckpointBytes.tensor(storage, offset: 5, shape: [], strides: [])),
                    ("empty", CheckpointBytes.tensor(storage, shape: [0, 3], strides: [3, 1])),
                ])
                return CheckpointBytes.begin
                    + CheckpointBytes.dictionary([("epoch", [0x4B, 7]), ("state_dict", tensors)])
                    + CheckpointBytes.stop
            }
            return [
                CheckpointBytes.zip(pickle: pickle(isLegacy: false), storages: [floats]),
                CheckpointBytes.legacy(
                    pickle: pickle(isLegacy: true), storages: [(key: "0", count: 6, bytes: floats)]),
            ]
        },
        mutate: CheckpointMutation.mutate)
}
