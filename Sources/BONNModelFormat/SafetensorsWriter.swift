extension Safetensors {
    /// Where a tensor goes in a file that is about to be written.
    public struct Layout: Sendable, Equatable {
        /// The length field, the JSON header and its padding: the file's bytes before the data.
        public let header: [UInt8]
        /// The order in which the tensors' bytes follow, as indices into the given tensors.
        public let order: [Int]
        /// The size of the whole file in bytes.
        public let fileBytes: Int
    }

    /// Writes a file: deterministic, the data 8-byte aligned, wider elements first, then by name.
    ///
    /// - Parameters:
    ///   - metadata: written in the order given; keys must be unique.
    ///   - tensors: in any order; the order does not change the result.
    ///   - digest: whether the file states its digest, behind the other metadata.
    /// - Returns: the bytes of the file.
    /// - Throws: `ModelFormatError` for a bad name, a shape that does not fit the bytes, or a
    ///   header that would be too long to be read again.
    public static func write(
        metadata: [(key: Name, value: String)] = [], tensors: [Tensor], digest: Bool = true
    ) throws(ModelFormatError) -> [UInt8] {
        try write(
            metadata: metadata, tensors: tensors, digests: digest ? digests(of: tensors) : nil)
    }

    /// As `write(metadata:tensors:digest:)`, with the digests of the tensors' data; nil: the file states
    /// none.
    static func write(
        metadata: [(key: Name, value: String)], tensors: [Tensor], digests: [SHA256.Digest]?
    ) throws(ModelFormatError) -> [UInt8] {
        let layout = try layout(metadata: metadata, tensors: tensors, digests: digests)
        var bytes = layout.header
        bytes.reserveCapacity(layout.fileBytes)
        for index in layout.order { bytes.append(contentsOf: tensors[index].bytes) }
        return bytes
    }

    /// Plans a file without copying the tensors, for writers that stream.
    public static func layout(
        metadata: [(key: Name, value: String)] = [], tensors: [Tensor], digest: Bool = true
    ) throws(ModelFormatError) -> Layout {
        try layout(
            metadata: metadata, tensors: tensors, digests: digest ? digests(of: tensors) : nil)
    }

    private static func digests(of tensors: [Tensor]) -> [SHA256.Digest] {
        tensors.map { SHA256.digest($0.bytes) }
    }

    private static func layout(
        metadata: [(key: Name, value: String)], tensors: [Tensor], digests: [SHA256.Digest]?
    ) throws(ModelFormatError) -> Layout {
        let metadata = metadata + (digests == nil ? [] : [(digestKey, openDigest)])
        var members: [JSONMember] = []
        if !metadata.isEmpty {
            members.append(JSONMember("__metadata__", try object(of: metadata)))
        }
        let order = tensors.indices.sorted { first, second in
            let (a, b) = (tensors[first], tensors[second])
            guard a.elementType.alignment == b.elementType.alignment else {
                return a.elementType.alignment > b.elementType.alignment
            }
            return a.name < b.name
        }
        var names: Set<Name> = ["__metadata__", ""]
        var end = 0
        for index in order {
            let tensor = tensors[index]
            let place = "tensor '\(abbreviated(tensor.name))'"
            guard tensor.name.text.utf8.count <= FormatLimits.nameBytes,
                names.insert(tensor.name).inserted
            else {
                throw ModelFormatError(
                    .invalidName, place,
                    expected:
                        "a unique name of 1 to \(FormatLimits.nameBytes) bytes, not '__metadata__'",
                    found: "'\(abbreviated(tensor.name))'", fix: "rename the tensor")
            }
            guard let size = byteCount(tensor.elementType, shape: tensor.shape),
                size == tensor.bytes.count
            else {
                throw ModelFormatError(
                    .tensorSize, place,
                    expected: "as many bytes as \(tensor.elementType.rawValue) \(tensor.shape)",
                    found: "\(tensor.bytes.count)", fix: "correct the shape or the bytes")
            }
            members.append(
                JSONMember(
                    tensor.name,
                    .object([
                        JSONMember("dtype", .string(tensor.elementType.rawValue)),
                        JSONMember("shape", .ints(tensor.shape)),
                        JSONMember("data_offsets", .ints([end, end + size])),
                    ])))
            end += size
        }
        var header = Array(JSONValue.object(members).text.utf8)
        header.append(
            contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
        guard header.count <= maximumHeaderBytes else {
            throw ModelFormatError(
                .headerTooLong, "header", expected: "at most \(maximumHeaderBytes) bytes",
                found: "\(header.count)", fix: "write fewer tensors or less metadata")
        }
        if let digests {
            close(&header, with: digest(header: header, tensors: order.map { digests[$0] }))
        }
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        return Layout(
            header: length + header, order: order, fileBytes: 8 + header.count + end)
    }

    /// Puts the digest where the zeros are. No string of a header holds a bare quotation mark, so the
    /// key and its value stand there once.
    private static func close(_ header: inout [UInt8], with digest: SHA256.Digest) {
        let key = "\"\(digestKey)\":\""
        let place = place(of: key + openDigest, in: header[...])!
        header.replaceSubrange(
            place.lowerBound + key.utf8.count..<place.upperBound, with: digest.description.utf8)
    }

    private static func object(
        of metadata: [(key: Name, value: String)]
    ) throws(ModelFormatError) -> JSONValue {
        var keys: Set<Name> = []
        var members: [JSONMember] = []
        for (key, value) in metadata {
            let key = try Name(key.text, atMost: FormatLimits.nameBytes, place: "__metadata__")
            guard keys.insert(key).inserted else {
                throw ModelFormatError(
                    .jsonDuplicateKey, "__metadata__", expected: "each key once",
                    found: "'\(abbreviated(key))' again", fix: "remove one of the two")
            }
            members.append(JSONMember(key, .string(value)))
        }
        return .object(members)
    }
}
