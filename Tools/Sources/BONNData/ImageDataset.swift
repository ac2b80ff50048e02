public import BONNImage
public import BONNModelFormat

/// Labelled images that can be read in any order and from any thread.
///
/// The order of the images is part of the data set: the same files give the same index to the
/// same image on every machine, so a training order is a permutation of indices and nothing else.
public protocol ImageDataset: Sendable {
    /// What messages and tables call it: the path of the folder, or `synthetic`, and the split.
    var name: String { get }
    /// The names of the classes; a label is an index into them.
    var classNames: [Name] { get }
    /// Whether the classes have no names: the format only counts them, and `classNames` are the numbers.
    /// A class that somebody has named "7" has a name.
    var classesAreNumbered: Bool { get }
    /// Channels of every image: 3 (red, green, blue) or 1 (gray).
    var channels: Int { get }
    /// The number of images.
    var count: Int { get }
    /// The size that all images share, in pixels, or nil when it differs or is not known.
    var imageSize: (width: Int, height: Int)? { get }
    /// What is in the folders of the images and not in the data set.
    var leftOut: LeftOutFiles { get }

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
    /// False.
    public var classesAreNumbered: Bool { false }

    /// Nothing.
    public var leftOut: LeftOutFiles { LeftOutFiles() }

    /// How many images each class has.
    public func classCounts() -> [Int] {
        var counts = [Int](repeating: 0, count: classNames.count)
        for index in 0..<count { counts[label(at: index)] += 1 }
        return counts
    }
}

/// What is beside the images of a data set.
public struct LeftOutFiles: Sendable, Equatable {
    /// Files with the ending of an image that cannot be decoded.
    public var brokenFiles: [String] = []
    /// Files that do not have the ending of an image, and what is no file at all.
    public var otherFiles = 0
    /// Folders in class folders.
    public var nestedFolders = 0

    /// Nothing.
    public init() {}

    /// One line for a person; nil where nothing was left out.
    public var note: String? {
        let parts = [
            (brokenFiles.count, "broken image"), (otherFiles, "other file"),
            (nestedFolders, "nested folder"),
        ].filter { $0.0 > 0 }.map { "\(grouped($0)) \($1)\($0 == 1 ? "" : "s")" }
        return parts.isEmpty ? nil : "left out: " + parts.joined(separator: ", ")
    }
}

/// A data set that passes on what it does not change.
public protocol WrappedDataset: ImageDataset {
    /// What it is made of.
    var base: any ImageDataset { get }
}

extension WrappedDataset {
    /// That of the base.
    public var name: String { base.name }
    /// Those of the base.
    public var classNames: [Name] { base.classNames }
    /// That of the base.
    public var classesAreNumbered: Bool { base.classesAreNumbered }
    /// Those of the base.
    public var channels: Int { base.channels }
    /// That of the base.
    public var count: Int { base.count }
    /// That of the base.
    public var imageSize: (width: Int, height: Int)? { base.imageSize }
    /// That of the base.
    public var leftOut: LeftOutFiles { base.leftOut }

    /// That of the base.
    public func label(at index: Int) -> Int { base.label(at: index) }
    /// That of the base.
    public func image(at index: Int) throws(DataError) -> PixelBuffer { try base.image(at: index) }
    /// That of the base.
    public func identifier(at index: Int) -> String { base.identifier(at: index) }
    /// That of the base.
    public func listed(at index: Int) -> ListedImage { base.listed(at: index) }
}
