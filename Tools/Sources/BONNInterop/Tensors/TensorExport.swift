public import BONNModelFormat

/// The numbers of a model for programs that read tensors: safetensors, or an archive of NumPy's.
///
/// Every tensor keeps its name in the model file. 1-bit weights are there twice: under their name as signed bytes -1
/// and +1, `[K, C, kh, kw]` or `[K, C]` with the channels of one group, and under `NAME.packed` as the model file packs
/// them, `[K, kh, kw, B]` or `[K, B]` of unsigned bytes: channel c is bit c % 8, from the least significant, of byte c / 8,
/// and 1 is -1. B is a multiple of 8, and bits behind the last channel are 0. The texts `graph`, `preprocessing`,
/// `class_names` and `provenance` are those of the model file; the graph says which node reads which tensor.
public struct TensorExport: Sendable {
    /// The tensors, by name.
    public let tensors: [Safetensors.Tensor]
    /// The texts, in the order of the model file.
    public let texts: [(key: Name, value: String)]

    /// Makes the tensors of a model.
    ///
    /// - Throws: `InteropError` with `.malformed` for a model that is not valid, `.unsupported` for one whose names or
    ///   shared weights leave no such tensors.
    public init(_ file: ModelFile) throws(InteropError) {
        let channels: [Name: Int]
        do throws(ModelFormatError) {
            channels = try Self.channels(file)
            texts = try file.texts(["graph", "preprocessing", "class_names", "provenance"])
        } catch {
            throw InteropError(.malformed, error.message)
        }
        var tensors: [Safetensors.Tensor] = []
        for (name, tensor) in file.tensors.sorted(by: { $0.key < $1.key }) {
            guard tensor.elementType == .u64 else {
                let type: Safetensors.ElementType =
                    switch tensor.elementType {
                    case .f32: .f32
                    case .i32: .i32
                    case .i8, .u64: .i8
                    }
                tensors.append(
                    Safetensors.Tensor(
                        name: name, elementType: type, shape: tensor.shape,
                        bytes: Array(tensor.bytes)))
                continue
            }
            let packed: Name = "\(name).packed"
            guard file.tensors[packed] == nil else {
                throw InteropError(
                    .unsupported,
                    "the tensor '\(printable(packed.text, limit: 60))': expected no such name beside "
                        + "1-bit weights, whose bits are written under it; rename it")
            }
            tensors += Self.bits(name, packed, tensor, channels: channels[name] ?? 0)
        }
        self.tensors = tensors
    }

    /// 1-bit weights as signed bytes and as bits.
    private static func bits(
        _ name: Name, _ packed: Name, _ tensor: ModelTensor, channels: Int
    ) -> [Safetensors.Tensor] {
        let window = Array(tensor.shape.dropFirst().dropLast())
        let signs = BitLayout.unpackKernels(
            tensor.words(), outputs: tensor.shape[0], channels: channels,
            height: window.first ?? 1, width: window.last ?? 1)
        return [
            Safetensors.Tensor(
                name: name, elementType: .i8, shape: [tensor.shape[0], channels] + window,
                bytes: signs.map { $0 < 0 ? 0xFF : 1 }),
            Safetensors.Tensor(
                name: packed, elementType: .u8,
                shape: tensor.shape.dropLast() + [8 * (tensor.shape.last ?? 0)],
                bytes: Array(tensor.bytes)),
        ]
    }

    /// The channels of a group of what each 1-bit weight multiplies.
    private static func channels(_ file: ModelFile) throws(ModelFormatError) -> [Name: Int] {
        let types = try file.validate()
        var channels: [Name: Int] = [:]
        for node in file.metadata.graph.nodes {
            guard let layer = node.operation.layer, let input = types[node.inputs[0]] else {
                continue
            }
            channels[layer.weight] = input.shape.channels / layer.groups
        }
        return channels
    }

    /// A safetensors file.
    ///
    /// - Throws: `.malformed` for names that such a file cannot have.
    public func safetensors() throws(InteropError) -> [UInt8] {
        do {
            return try Safetensors.write(metadata: texts, tensors: tensors, digest: false)
        } catch {
            throw InteropError(.malformed, error.message)
        }
    }

    /// An archive for `numpy.load`: `NAME.npy` for each tensor, and the texts as `KEY.json`.
    ///
    /// - Throws: `.limitExceeded` for one of 4 GiB or more.
    public func npz() throws(InteropError) -> [UInt8] {
        var archive = ZipWriter()
        for tensor in tensors {
            try archive.add("\(tensor.name).npy", NumPyFile.bytes(tensor))
        }
        for (key, value) in texts { try archive.add("\(key).json", Array(value.utf8)) }
        return try archive.finished()
    }
}
