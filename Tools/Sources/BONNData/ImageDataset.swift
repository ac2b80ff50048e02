public import BONNImage

/// Labelled images that can be read in any order and from any thread.
///
/// The order of the images is part of the data set: the same files give the same index to the
/// same image on every machine, so a training order is a permutation of indices and nothing else.
public protocol ImageDataset: Sendable {
    /// What messages and tables call it: the path of the folder, or `synthetic`, and the split.
    var name: String { get }
    /// The names of the classes; a label is an index into them.
    var classNames: [String] { get }
    /// Channels of every image: 3 (red, green, blue) or 1 (gray).
    var channels: Int { get }
    /// The number of images.
    var count: Int { get }
    /// The size that all images share, in pixels, or nil when it differs or is not known.
    var imageSize: (width: Int, height: Int)? { get }

    /// The class of an image, in `0..<classNames.count`.
    func label(at index: Int) -> Int
    /// The pixels of an image, decoded, read or drawn now.
    /// - Throws: `DataError.brokenImage` or `.unreadable`, with the name of the image.
    func image(at index: Int) throws(DataError) -> PixelBuffer
    /// The name of one image for messages: the path of its file, or the file and the record.
    func identifier(at index: Int) -> String
    /// Name and size of one image for `listingDigest`, without decoding it.
    func listed(at index: Int) -> ListedImage
}

extension ImageDataset {
    /// How many images each class has.
    public func classCounts() -> [Int] {
        var counts = [Int](repeating: 0, count: classNames.count)
        for index in 0..<count { counts[label(at: index)] += 1 }
        return counts
    }
}

/// A data set that passes on what it does not change.
protocol WrappedDataset: ImageDataset {
    /// What it is made of.
    var base: any ImageDataset { get }
}

extension WrappedDataset {
    var name: String { base.name }
    var classNames: [String] { base.classNames }
    var channels: Int { base.channels }
    var count: Int { base.count }
    var imageSize: (width: Int, height: Int)? { base.imageSize }
    func label(at index: Int) -> Int { base.label(at: index) }
    func image(at index: Int) throws(DataError) -> PixelBuffer { try base.image(at: index) }
    func identifier(at index: Int) -> String { base.identifier(at: index) }
    func listed(at index: Int) -> ListedImage { base.listed(at: index) }
}
