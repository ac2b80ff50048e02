import BONNModelFormat

/// The room that a file has for float32 constants.
struct ConstantRoom {
    private let maximumBytes: Int
    private let fileKind: String
    private var usedBytes = 0

    /// All of the room.
    ///
    /// - Parameter fileKind: what messages call the file, with its article.
    init(maximumBytes: Int, fileKind: String) {
        self.maximumBytes = maximumBytes
        self.fileKind = fileKind
    }

    /// Insists on room for the numbers of a node, before memory is taken for them.
    mutating func reserve(_ elements: Int, of node: Name) throws(InteropError) {
        let (bytes, overflow) = elements.multipliedReportingOverflow(by: 4)
        guard !overflow, bytes <= maximumBytes - usedBytes else {
            throw InteropError(
                .limitExceeded,
                "node '\(printable(node.text, limit: 60))': the weights as float32 are larger than "
                    + "\(fileKind) may be: expected at most \(maximumBytes) bytes up to here; export a "
                    + "smaller network")
        }
        usedBytes += bytes
    }
}
