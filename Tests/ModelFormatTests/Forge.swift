import BONNModelFormat
import Testing

/// A valid file taken apart, so that one thing in it can be made wrong and the bytes put together
/// again without the writer's checks, under a digest that fits.
struct Forge {
    /// The strings of `__metadata__`.
    var metadata: [Name: String]
    /// The tensors, wider elements first.
    var tensors: [Safetensors.Tensor]
    /// Spaces after the header beyond those that align the data.
    var headerPadding = 0

    init(_ model: ModelFile) throws {
        let bytes = try model.serialized()
        let contents = try Safetensors.read(bytes)
        metadata = contents.metadata
        tensors = contents.tensors.sorted { $0.key < $1.key }.map { name, entry in
            Safetensors.Tensor(
                name: name, elementType: entry.elementType, shape: entry.shape,
                bytes: Array(bytes[entry.range]))
        }
    }

    /// The bytes of the file.
    func bytes() throws -> [UInt8] {
        let bytes = try Safetensors.write(
            metadata: metadata.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
            tensors: tensors, digest: headerPadding == 0)
        guard headerPadding > 0 else { return bytes }
        let dataStart = try Safetensors.read(bytes).tensors.values.map(\.range.lowerBound).min()
        let header = String(decoding: bytes[8..<(dataStart ?? bytes.count)], as: UTF8.self)
        return Self.container(
            header: header + String(repeating: " ", count: headerPadding),
            data: Array(bytes[(dataStart ?? bytes.count)...]))
    }

    /// Replaces a part of one of the metadata strings; the part must be there exactly once.
    mutating func replace(_ old: String, _ new: String, in key: Name = "graph") {
        let parts = (metadata[key] ?? "").components(separatedBy: old)
        #expect(parts.count == 2, "'\(old)' is in '\(key)' \(parts.count - 1) times, not once")
        metadata[key] = parts.joined(separator: new)
    }

    /// Replaces a tensor of the same name.
    mutating func set(_ name: Name, _ tensor: ModelTensor) throws {
        let index = try #require(tensors.firstIndex { $0.name == name })
        tensors[index].elementType = try #require(
            Safetensors.ElementType(rawValue: tensor.elementType.rawValue))
        tensors[index].shape = tensor.shape
        tensors[index].bytes = Array(tensor.bytes)
    }

    /// The length field, a header and the data of a file.
    static func container(header: String, data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
        let length = length ?? UInt64(header.utf8.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> UInt64(8 * $0)) }
            + Array(header.utf8) + data
    }
}

extension String {
    /// The parts between the occurrences of a text.
    fileprivate func components(separatedBy separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
