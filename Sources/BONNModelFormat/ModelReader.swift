extension ModelFile {
    /// Reads a model file and checks everything before it is used: nothing in the result can
    /// surprise whoever runs it.
    ///
    /// - Parameter bytes: the whole file.
    /// - Throws: `ModelFormatError` for the first thing that is wrong. Memory stays in proportion
    ///   to the size of the file.
    public init(bytes: [UInt8]) throws(ModelFormatError) {
        self = try Self.read(bytes).model
    }

    /// As `init(bytes:)`, and the types of the graph's values and what the file says of itself.
    public static func read(
        _ bytes: [UInt8]
    ) throws(ModelFormatError) -> (model: ModelFile, types: [Name: ValueType], seal: Seal) {
        try read(Bytes(bytes))
    }

    /// As `read(_:)` of an array.
    public static func read(
        _ bytes: Bytes
    ) throws(ModelFormatError) -> (model: ModelFile, types: [Name: ValueType], seal: Seal) {
        let contents = try Safetensors.read(bytes, maximumHeaderBytes: FormatLimits.headerBytes)
        var fields = ModelMetadataFields(contents.metadata)
        let version = try fields.checkHeader()
        let metadata = try fields.metadata()
        var tensors: [Name: ModelTensor] = [:]
        for (name, entry) in contents.tensors {
            tensors[name] = try ModelTensor(entry, of: bytes, name: name)
        }
        let model = ModelFile(metadata: metadata, tensors: tensors)
        let types = try model.validate()
        let seal = Seal(formatVersion: version, digest: contents.digest)
        if let parity = metadata.parity {
            try parity.check(
                network: contents.digest == nil
                    ? nil : model.networkDigest { contents.tensors[$0]?.digest }, seal)
        }
        return (model, types, seal)
    }

    /// What a file says of itself besides the model.
    public struct Seal: Sendable, Equatable {
        /// The version of the format that it is written in: "1" or "2".
        public let formatVersion: String
        /// The digest that it states and has; nil where it states none, as programs of other people
        /// and version 1 do: then nothing tells whether the file is as it was written.
        public let digest: SHA256.Digest?
    }
}

extension ModelTensor {
    fileprivate init(
        _ entry: Safetensors.Entry, of bytes: Bytes, name: Name
    ) throws(ModelFormatError) {
        let place = "tensor '\(abbreviated(name))'"
        guard let type = ElementType(rawValue: entry.elementType.rawValue) else {
            throw ModelFormatError(
                .tensorType, place,
                expected: ElementType.allCases.map(\.rawValue).joined(separator: ", "),
                found: entry.elementType.rawValue, fix: "store the tensor in one of these types")
        }
        guard entry.range.lowerBound % type.size == 0 else {
            throw ModelFormatError(
                .dataMisaligned, place,
                expected: "data at a multiple of \(type.size) bytes in the file",
                found: "byte \(entry.range.lowerBound)",
                fix: "write wider elements first and pad the header with spaces")
        }
        self.init(elementType: type, shape: entry.shape, bytes: bytes[entry.range])
    }
}

/// The strings of `__metadata__`, each of which is text or JSON.
private struct ModelMetadataFields {
    private var remaining: [Name: String]

    init(_ metadata: [Name: String]) {
        remaining = metadata
    }

    /// Format, version and conventions: before anything else is understood.
    ///
    /// - Returns: the version.
    mutating func checkHeader() throws(ModelFormatError) -> String {
        let format = remaining.removeValue(forKey: "format")
        guard Name(format ?? "") == Name(ModelFile.formatName) else {
            throw ModelFormatError(
                .notAModel, "__metadata__ key 'format'", expected: "'\(ModelFile.formatName)'",
                found: format.map { "'\(abbreviated($0))'" } ?? "no such key",
                fix: "this is a safetensors file but not a model; make one with 'bonn export'")
        }
        let stated = remaining.removeValue(forKey: "format_version")
        guard
            let version = ModelFile.readableVersions.first(where: { Name($0) == Name(stated ?? "") }
            )
        else {
            throw ModelFormatError(
                .unsupportedVersion, "__metadata__ key 'format_version'",
                expected: ModelFile.readableVersions.map { "'\($0)'" }.joined(separator: " or "),
                found: stated.map { "'\(abbreviated($0))'" } ?? "no such key",
                fix: "update this program, or export the model again")
        }
        try checkConventions(try json("conventions"))
        return version
    }

    mutating func metadata() throws(ModelFormatError) -> ModelMetadata {
        let graph = try Graph(json: try json("graph"))
        var metadata = ModelMetadata(graph: graph)
        if has("preprocessing") {
            metadata.preprocessing = try Preprocessing(json: try json("preprocessing"))
        }
        if has("class_names") {
            metadata.classNames = try classNames(try json("class_names"))
        }
        if has("provenance") {
            metadata.provenance = try provenance(try json("provenance"))
        }
        if has("parity") {
            metadata.parity = try ParityCertificate(json: try json("parity"))
        }
        if let key = remaining.keys.min() {
            throw ModelFormatError(
                .unknownKey, "__metadata__",
                expected: "only the keys of Documentation/model-format.md",
                found: "'\(abbreviated(key))'",
                fix: "put it into 'provenance', or read the file with the version that wrote it")
        }
        return metadata
    }

    private func has(_ key: Name) -> Bool { remaining[key] != nil }

    private mutating func json(_ key: Name) throws(ModelFormatError) -> JSONValue {
        guard let text = remaining.removeValue(forKey: key) else {
            throw ModelFormatError(
                .missingKey, "__metadata__", expected: "the key '\(key)'", found: "none",
                fix: "export the model again")
        }
        return try JSONValue(parsing: text, place: "__metadata__ key '\(key)'")
    }

    private func checkConventions(_ json: JSONValue) throws(ModelFormatError) {
        var fields = try JSONFields(json, place: "conventions")
        for (key, value) in BitLayout.conventions {
            let found = try fields.name(key)
            guard found == Name(value) else {
                throw ModelFormatError(
                    .conventionMismatch, "conventions, key '\(key)'", expected: "'\(value)'",
                    found: "'\(abbreviated(found))'",
                    fix: "convert the model to this convention; it can not be read as it is")
            }
        }
        try fields.finish()
    }

    private func classNames(_ json: JSONValue) throws(ModelFormatError) -> [Name] {
        var fields = try JSONFields(
            .object([JSONMember("class_names", json)]), place: "__metadata__")
        return try fields.names("class_names")
    }

    private func provenance(_ json: JSONValue) throws(ModelFormatError) -> [Name: String] {
        var fields = try JSONFields(json, place: "provenance")
        var provenance: [Name: String] = [:]
        for key in fields.keys { provenance[key] = try fields.string(key) }
        return provenance
    }
}
