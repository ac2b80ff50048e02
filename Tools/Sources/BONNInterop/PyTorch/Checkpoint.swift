public import BONNModelFormat

/// The tensors of a file that `torch.save` wrote, in the zip format or the one from before PyTorch 1.6, or of a
/// safetensors file.
///
/// Nothing of the file is executed. Tensors stay in the file until they are asked for.
public struct Checkpoint: Sendable {
    /// A tensor of a checkpoint.
    public struct Entry: Sendable {
        /// Without a prefix `module.` that all names have.
        public let name: Name
        /// The dimensions; empty for a scalar.
        public let shape: [Int]
        let reference: TensorReference
    }

    /// The tensors in the order of the file.
    public private(set) var entries: [Entry] = []
    /// What the dictionary of the tensors holds beside them: names of values that are no tensors.
    public let others: [Name]
    private let bytes: [UInt8]
    private let storages: [Name: Range<Int>]

    /// Reads a checkpoint.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - place: the file's name, for messages.
    /// - Throws: `InteropError` for what is no such file, damaged, or asks for anything but tensors.
    public init(_ bytes: [UInt8], place: String) throws(InteropError) {
        let place = printable(place)
        let parts: PyTorchParts
        if ZipArchive.begins(bytes) {
            parts = try PyTorchParts(zip: bytes, place: place)
        } else if bytes.count > 8, bytes[8] == UInt8(ascii: "{") {
            parts = try PyTorchParts(safetensors: bytes, place: place)
        } else {
            parts = try PyTorchParts(legacy: bytes, place: place)
        }
        self.bytes = bytes
        storages = parts.storages
        let (found, others) = try parts.contents()
        let isParallel = found.allSatisfy { $0.name.without(prefix: "module.") != nil }
        func shortened(_ name: Name) -> Name {
            isParallel ? name.without(prefix: "module.") ?? name : name
        }
        self.others = others.map(shortened)
        var names: Set<Name> = []
        for (name, reference) in found {
            let short = shortened(name)
            let shown = printable(short.text, limit: 60)
            guard names.insert(short).inserted else {
                throw InteropError(
                    .malformed,
                    "\(place): expected tensors of different names, found '\(shown)' twice")
            }
            guard let range = storages[reference.storage.key],
                range.count / reference.storage.type.size >= reference.storage.count
            else {
                throw InteropError(
                    .malformed,
                    "\(place), tensor '\(shown)': expected a storage of \(reference.storage.count) elements "
                        + "in the file, found less; the file is cut or damaged, copy it again")
            }
            entries.append(Entry(name: short, shape: reference.shape, reference: reference))
        }
    }

    /// The elements of a tensor as float32, row-major. Integers and float64 are rounded.
    public func floats(_ entry: Entry) -> [Float] {
        let reference = entry.reference
        let start = storages[reference.storage.key]?.lowerBound ?? 0
        let size = reference.storage.type.size
        let count = reference.elementCount
        var index = [Int](repeating: 0, count: reference.shape.count)
        var element = reference.offset
        return bytes.withUnsafeBufferPointer { bytes in
            (0..<count).map { _ in
                var bits: UInt64 = 0
                for byte in 0..<size {
                    bits |= UInt64(bytes[start + element * size + byte]) << UInt64(8 * byte)
                }
                // The next place, the last dimension fastest.
                for axis in index.indices.reversed() {
                    index[axis] += 1
                    element += reference.strides[axis]
                    guard index[axis] == reference.shape[axis] else { break }
                    element -= index[axis] * reference.strides[axis]
                    index[axis] = 0
                }
                return reference.storage.type.float(bits)
            }
        }
    }
}
