extension ModelFile {
    /// What a certificate is bound to: everything that decides what the model answers.
    ///
    /// The SHA-256 of lines of text, each ended by a line feed: the graph, the preprocessing (empty
    /// where there is none) and the class names, as JSON in the form in which `serialized()` writes
    /// them; then a line `NAME DTYPE SHAPE DIGEST` for each tensor in the order of the bytes of their
    /// names, SHAPE as JSON, DIGEST the SHA-256 of its data.
    ///
    /// - Throws: `ModelFormatError` for numbers that JSON does not have.
    public func networkDigest() throws(ModelFormatError) -> SHA256.Digest {
        let digests = tensorDigests
        return try networkDigest { digests[$0] }
    }

    /// The SHA-256 of each tensor's data.
    var tensorDigests: [Name: SHA256.Digest] { tensors.mapValues { SHA256.digest($0.bytes) } }

    /// As `networkDigest()`, with digests of tensors that are known already.
    func networkDigest(
        tensor digest: (Name) -> SHA256.Digest?
    ) throws(ModelFormatError) -> SHA256.Digest {
        var hash = SHA256()
        func line(_ text: String) { hash.update((text + "\n").utf8) }
        line(metadata.graph.json.text)
        line(try metadata.preprocessing?.json().text ?? "")
        line(JSONValue.array(metadata.classNames.map { .string($0.text) }).text)
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            let shape = JSONValue.ints(tensor.shape).text
            line(
                "\(name) \(tensor.elementType.rawValue) \(shape) \(digest(name)?.description ?? "")"
            )
        }
        return hash.finish()
    }
}

extension ParityCertificate {
    /// Insists that this certificate was earned by a network.
    ///
    /// - Parameters:
    ///   - network: the digest of the network; nil in a file without a digest of its own, of which
    ///     nobody knows whether it is the one that was compared.
    ///   - seal: of the file. Certificates of version 1 are taken as they are.
    func check(network: SHA256.Digest?, _ seal: ModelFile.Seal) throws(ModelFormatError) {
        guard seal.formatVersion != "1" else { return }
        guard let network else {
            throw ModelFormatError(
                .parity, "parity", expected: "a certificate only in a file that states its digest",
                found: "no '\(Safetensors.digestKey)' in __metadata__",
                fix: "remove the certificate, or export the model again")
        }
        guard self.network == network else {
            throw ModelFormatError(
                .parity, "parity, key 'network'", expected: "\(network), the network of the file",
                found: self.network.map { "\($0)" } ?? "none",
                fix: "another network earned this certificate; export the model again")
        }
    }
}
