// The digest that a file states of itself. It tells whether the file is the one that was written: a bit
// that flipped on a disk or a line changes a network, and nothing else would notice. It does not tell
// who wrote the file.
//
// The digest is 64 hexadecimal digits under a key of `__metadata__`: the SHA-256 of
//   - the header, as it stands in the file, these 64 digits replaced by the digit 0;
//   - the SHA-256 (32 bytes) of each tensor's data, in the order in which the data lie in the file.
// As tensors cover the data without a gap, that is every byte but the length field, which says where the
// header ends. Digests of the single tensors come for nothing, and a certificate needs them.

extension Safetensors {
    /// The key of `__metadata__` under which a file states its digest.
    public static let digestKey: Name = "bonn_sha256"

    /// What stands in the header while the digest is computed.
    static let openDigest = String(repeating: "0", count: 64)

    /// The digest of a file.
    ///
    /// - Parameters:
    ///   - header: with 64 zeros in the place of the digest.
    ///   - tensors: the digests of the tensors' data, in the order of the file.
    static func digest(header: some Collection<UInt8>, tensors: [SHA256.Digest]) -> SHA256.Digest {
        var hash = SHA256()
        hash.update(header)
        for tensor in tensors { hash.update(tensor.bytes) }
        return hash.finish()
    }

    /// Where a text stands in a header; nil unless it stands there exactly once.
    static func place(of text: String, in header: ArraySlice<UInt8>) -> Range<Int>? {
        let wanted = Array(text.utf8)
        var found: Range<Int>?
        var start = header.startIndex
        while let first = header[start...].firstIndex(of: wanted[0]) {
            if header[first...].starts(with: wanted) {
                guard found == nil else { return nil }
                found = first..<first + wanted.count
            }
            start = first + 1
        }
        return found
    }

    /// Computes the digests of a file's tensors, and checks the one that the file states.
    ///
    /// - Returns: the file's digest.
    /// - Throws: `.digestMismatch`.
    static func check(
        stated: String, header: [UInt8], entries: [Entry], of bytes: Bytes
    ) throws(ModelFormatError) -> (file: SHA256.Digest, tensors: [SHA256.Digest]) {
        let place = "__metadata__ key '\(digestKey)'"
        guard let digest = SHA256.Digest(stated),
            let digits = self.place(of: stated, in: header[...])
        else {
            throw ModelFormatError(
                .digestMismatch, place, expected: "64 hexadecimal digits, once in the header",
                found: "'\(abbreviated(stated))'",
                fix: "the file is damaged; copy or export it again")
        }
        var open = header
        for index in digits { open[index] = UInt8(ascii: "0") }
        let tensors = entries.map { SHA256.digest(bytes[$0.range]) }
        let found = self.digest(header: open, tensors: tensors)
        guard found == digest else {
            throw ModelFormatError(
                .digestMismatch, place, expected: "\(digest), which the file states of itself",
                found: "\(found)",
                fix: "the file is not as it was written; copy or export it again")
        }
        return (digest, tensors)
    }
}
