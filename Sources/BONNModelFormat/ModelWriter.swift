extension ModelFile {
    /// What `format` says in `__metadata__`.
    public static let formatName = "bonn"
    /// What `format_version` says in `__metadata__` of a file that this writes.
    public static let formatVersion = "2"
    /// The versions that are read. Version 1 knew no digest, and its certificates name no network.
    static let readableVersions = ["1", "2"]

    /// The bytes of the file: the same value gives the same bytes, always.
    ///
    /// - Parameter digest: whether the file states its digest; a certificate needs one.
    /// - Throws: `ModelFormatError` when the value is not a valid model, so that what is written
    ///   can be read.
    public func serialized(digest: Bool = true) throws(ModelFormatError) -> [UInt8] {
        try validate()
        let digests = digest ? tensorDigests : nil
        if let parity = metadata.parity {
            let network = try digests.map { digests throws(ModelFormatError) in
                try networkDigest { digests[$0] }
            }
            try parity.check(
                network: network, Seal(formatVersion: Self.formatVersion, digest: nil))
        }
        return try serialized(digests)
    }

    /// As `serialized()`, with a certificate that this very model has just earned.
    ///
    /// - Parameter certificate: its `network` need not be filled in.
    public func serialized(
        earning certificate: ParityCertificate
    ) throws(ModelFormatError) -> [UInt8] {
        let digests = tensorDigests
        var model = self
        model.metadata.parity = certificate
        model.metadata.parity?.network = try networkDigest { digests[$0] }
        try model.validate()
        return try model.serialized(digests)
    }

    /// Writes a valid model, with the digests of its tensors; nil: the file states none.
    private func serialized(
        _ digests: [Name: SHA256.Digest]?
    ) throws(ModelFormatError) -> [UInt8] {
        var conventions: [JSONMember] = []
        for (key, value) in BitLayout.conventions {
            conventions.append(JSONMember(key, .string(value)))
        }
        var strings: [(key: Name, value: String)] = [
            (key: "format", value: Self.formatName),
            (key: "format_version", value: Self.formatVersion),
            (key: "conventions", value: JSONValue.object(conventions).text),
            (key: "graph", value: metadata.graph.json.text),
        ]
        if let preprocessing = metadata.preprocessing {
            strings.append(("preprocessing", try preprocessing.json().text))
        }
        if !metadata.classNames.isEmpty {
            let names = JSONValue.array(metadata.classNames.map { .string($0.text) })
            strings.append(("class_names", names.text))
        }
        if !metadata.provenance.isEmpty {
            let members = metadata.provenance
                .sorted { $0.key < $1.key }
                .map { JSONMember($0.key, .string($0.value)) }
            strings.append(("provenance", JSONValue.object(members).text))
        }
        if let parity = metadata.parity {
            strings.append(("parity", try parity.json().text))
        }
        var list: [Safetensors.Tensor] = []
        for (name, tensor) in tensors { list.append(tensor.named(name)) }
        return try Safetensors.write(
            metadata: strings, tensors: list,
            digests: digests.map { all in list.map { all[$0.name]! } })
    }
}

extension ModelTensor {
    /// The tensor as one of a safetensors file.
    fileprivate func named(_ name: Name) -> Safetensors.Tensor {
        let type: Safetensors.ElementType =
            switch elementType {
            case .u64: .u64
            case .f32: .f32
            case .i32: .i32
            case .i8: .i8
            }
        return Safetensors.Tensor(name: name, elementType: type, shape: shape, bytes: Array(bytes))
    }
}
