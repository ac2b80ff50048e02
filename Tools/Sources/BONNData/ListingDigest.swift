public import BONNModelFormat

/// What tells an image of a data set from others without decoding it.
public struct ListedImage: Sendable, Equatable {
    /// Its name within the data set: `CLASS/FILE`, or the file and the record; not where the data set
    /// lies.
    public let name: String
    /// The bytes that it takes as it is stored; 0 where it is not.
    public let bytes: Int

    /// Names an image.
    public init(name: String, bytes: Int) {
        self.name = name
        self.bytes = bytes
    }
}

extension ImageDataset {
    /// An image that is named for messages only.
    public func listed(at index: Int) -> ListedImage {
        ListedImage(name: identifier(at: index), bytes: 0)
    }

    /// The SHA-256 of labels, names and sizes of all images in their order: a line `LABEL BYTES NAME` for
    /// each, ended by a byte 0, which no name holds. It costs a look at every file, and no decoding; it
    /// says that nothing was added, taken away, renamed or replaced by something of another size.
    public func listingDigest() -> SHA256.Digest {
        var hash = SHA256()
        for index in 0..<count {
            let image = listed(at: index)
            hash.update("\(label(at: index)) \(image.bytes) \(image.name)\0".utf8)
        }
        return hash.finish()
    }
}
