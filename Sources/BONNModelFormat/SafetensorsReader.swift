extension Safetensors {
    /// How much memory a byte of a header takes while it is read, at most: 15 were measured with a graph of
    /// 7,000 nodes, which the header holds as a string.
    private static let bytesPerHeaderByte = 32

    /// Reads the header of a file and checks it against the bytes that follow.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - maximumHeaderBytes: the longest header that is accepted.
    /// - Returns: the metadata and where each tensor lies. Tensors are not copied.
    /// - Throws: `ModelFormatError` for every departure from the format.
    public static func read(
        _ bytes: [UInt8], maximumHeaderBytes: Int = Safetensors.maximumHeaderBytes
    ) throws(ModelFormatError) -> Contents {
        try read(Bytes(bytes), maximumHeaderBytes: maximumHeaderBytes)
    }

    /// As `read(_:maximumHeaderBytes:)` of an array.
    public static func read(
        _ bytes: Bytes, maximumHeaderBytes: Int = Safetensors.maximumHeaderBytes
    ) throws(ModelFormatError) -> Contents {
        let end = try headerEnd(
            bytes, fileBytes: bytes.count, maximumHeaderBytes: maximumHeaderBytes)
        var header = try Header(bytes[0..<end], fileBytes: bytes.count)
        var tensors: [Name: Entry] = [:]
        guard let stated = header.metadata.removeValue(forKey: digestKey) else {
            for (name, entry) in header.tensors { tensors[name] = entry }
            return Contents(metadata: header.metadata, tensors: tensors, digest: nil)
        }
        let digests = try check(
            stated: stated, header: header.text, entries: header.tensors.map(\.value), of: bytes)
        for (item, digest) in zip(header.tensors, digests.tensors) {
            tensors[item.key] = item.value
            tensors[item.key]?.digest = digest
        }
        return Contents(metadata: header.metadata, tensors: tensors, digest: digests.file)
    }

    /// Checks all that the beginning of a file tells about the whole, for those who read a file only once
    /// they know that it is one, and that its tensors make up its size.
    ///
    /// - Parameters:
    ///   - bytes: the file up to `headerEnd(_:fileBytes:)`.
    ///   - fileBytes: the size of the whole file.
    /// - Throws: as `read(_:maximumHeaderBytes:)`.
    public static func checkHeader(_ bytes: [UInt8], fileBytes: Int) throws(ModelFormatError) {
        _ = try Header(Bytes(bytes), fileBytes: fileBytes)
    }

    /// Where the header of a file ends and its data begin.
    ///
    /// - Parameters:
    ///   - bytes: the file, or its first ten bytes at least.
    ///   - fileBytes: the size of the whole file.
    public static func headerEnd(
        _ bytes: [UInt8], fileBytes: Int
    ) throws(ModelFormatError) -> Int {
        try headerEnd(
            Bytes(bytes), fileBytes: fileBytes, maximumHeaderBytes: maximumHeaderBytes)
    }

    /// A header that fits the size of its file.
    private struct Header {
        /// The JSON.
        let text: [UInt8]
        /// The strings of `__metadata__`.
        var metadata: [Name: String] = [:]
        /// The tensors in the order of their data.
        let tensors: [(key: Name, value: Entry)]

        /// Reads the beginning of a file, up to its data.
        init(_ bytes: Bytes, fileBytes: Int) throws(ModelFormatError) {
            let header = bytes.dropFirst(8)
            guard header.first == UInt8(ascii: "{") else {
                throw ModelFormatError(
                    .headerStart, "byte 8", expected: "'{', the start of the JSON header",
                    found: "byte 0x\(String(header.first ?? 0, radix: 16))",
                    fix: "this is not a safetensors file")
            }
            guard Bytes.canAllocate(header.count * bytesPerHeaderByte + (1 << 20)) else {
                throw ModelFormatError(
                    .outOfMemory, "header",
                    expected: "memory to read \(header.count) bytes of JSON", found: "none",
                    fix: "free some memory")
            }
            text = header.withUnsafeBytes { Array($0) }
            let json = try JSONValue(parsing: text[...], place: "header", maximumDepth: 4)
            guard case .object(let members) = json else {
                throw ModelFormatError(
                    .wrongType, "header", expected: "an object", found: json.kind,
                    fix: "this is not a safetensors file")
            }
            var tensors: [Name: Entry] = [:]
            for member in members {
                if member.key == "__metadata__" {
                    metadata = try strings(of: member.value)
                } else {
                    tensors[member.key] = try entry(member, dataStart: header.endIndex)
                }
            }
            self.tensors = try checkCoverage(tensors, data: header.endIndex..<fileBytes)
        }
    }

    private static func headerEnd(
        _ bytes: Bytes, fileBytes: Int, maximumHeaderBytes: Int
    ) throws(ModelFormatError) -> Int {
        guard bytes.count >= 10 else {
            throw ModelFormatError(
                .fileTooShort, "file", expected: "at least 10 bytes",
                found: "\(bytes.count)", fix: "the file is empty or cut; copy it again")
        }
        var length: UInt64 = 0
        for index in 0..<8 { length |= UInt64(bytes[index]) << UInt64(8 * index) }
        guard length <= UInt64(maximumHeaderBytes) else {
            throw ModelFormatError(
                .headerTooLong, "bytes 0 to 7",
                expected: "a header of at most \(maximumHeaderBytes) bytes", found: "\(length)",
                fix: "this is not a safetensors file, or it is damaged")
        }
        guard length >= 2, Int(length) <= fileBytes - 8 else {
            throw ModelFormatError(
                .headerTruncated, "bytes 0 to 7",
                expected: "a header of 2 to \(fileBytes - 8) bytes, what the file has",
                found: "\(length)", fix: "the file is cut or damaged; copy it again")
        }
        return 8 + Int(length)
    }

    private static func strings(of value: JSONValue) throws(ModelFormatError) -> [Name: String] {
        guard case .object(let members) = value else {
            throw ModelFormatError(
                .wrongType, "__metadata__", expected: "an object of strings", found: value.kind,
                fix: "write every value of the metadata as a string")
        }
        var metadata: [Name: String] = [:]
        for member in members {
            guard case .string(let text) = member.value else {
                throw ModelFormatError(
                    .wrongType, "__metadata__ key '\(abbreviated(member.key))'",
                    expected: "a string", found: member.value.kind,
                    fix: "write every value of the metadata as a string")
            }
            metadata[member.key] = text
        }
        return metadata
    }

    private static func entry(
        _ member: JSONMember, dataStart: Int
    ) throws(ModelFormatError) -> Entry {
        let place = "tensor '\(abbreviated(member.key))'"
        guard !member.key.text.isEmpty else {
            throw ModelFormatError(
                .invalidName, "header", expected: "tensor names that are not empty",
                found: "an empty name", fix: "name the tensor")
        }
        var fields = try JSONFields(member.value, place: place)
        let typeName = try fields.name("dtype")
        let shape = try fields.ints("shape")
        let offsets = try fields.ints("data_offsets", count: 2)
        try fields.finish()
        guard let type = ElementType(named: typeName) else {
            throw ModelFormatError(
                .unknownElementType, place, expected: "a dtype of safetensors",
                found: "'\(abbreviated(typeName))'", fix: "write it in a known type")
        }
        guard let size = byteCount(type, shape: shape) else {
            throw ModelFormatError(
                .tensorSize, place, expected: "dimensions whose product is a number of bytes",
                found: "\(typeName) \(abbreviated("\(shape)"))", fix: "the header is damaged")
        }
        guard offsets[0] >= 0, offsets[1] >= offsets[0] else {
            throw ModelFormatError(
                .dataOffsets, place, expected: "data_offsets [begin, end] with 0 <= begin <= end",
                found: "\(offsets)", fix: "the header is damaged")
        }
        guard offsets[1] - offsets[0] == size else {
            throw ModelFormatError(
                .tensorSize, place,
                expected: "\(size) bytes for \(typeName) \(abbreviated("\(shape)"))",
                found: "\(offsets[1] - offsets[0])",
                fix: "correct dtype, shape or data_offsets")
        }
        guard offsets[1] <= Int.max - dataStart else {
            throw ModelFormatError(
                .dataOffsets, place, expected: "data_offsets inside the file",
                found: "\(offsets)", fix: "the header is damaged")
        }
        return Entry(
            elementType: type, shape: shape,
            range: dataStart + offsets[0]..<dataStart + offsets[1])
    }

    /// Every byte of the data belongs to exactly one tensor.
    ///
    /// - Returns: the tensors in the order of their data.
    private static func checkCoverage(
        _ tensors: [Name: Entry], data: Range<Int>
    ) throws(ModelFormatError) -> [(key: Name, value: Entry)] {
        let inOrder = tensors.sorted { first, second in
            (first.value.range.lowerBound, first.value.range.upperBound)
                < (second.value.range.lowerBound, second.value.range.upperBound)
        }
        var end = data.lowerBound
        for (name, entry) in inOrder {
            let place = "tensor '\(abbreviated(name))'"
            let begin = entry.range.lowerBound
            guard begin == end else {
                throw ModelFormatError(
                    begin < end ? .dataOverlap : .dataHole, place,
                    expected: "data from byte \(end), where the tensor before it ends",
                    found: "from byte \(begin)",
                    fix: "tensors must follow each other without overlap and without gap")
            }
            end = entry.range.upperBound
            guard end <= data.upperBound else {
                throw ModelFormatError(
                    .dataTruncated, place, expected: "data up to byte \(end)",
                    found: "a file of \(data.upperBound) bytes",
                    fix: "the file is cut or damaged; copy it again")
            }
        }
        guard end == data.upperBound else {
            throw ModelFormatError(
                .dataTrailing, "file", expected: "\(end) bytes, where the last tensor ends",
                found: "\(data.upperBound)", fix: "remove what follows the last tensor")
        }
        return inOrder
    }
}
