import BONNImage
public import BONNModelFormat

/// What a data set holds, as `bonn data info` tells it.
public struct DatasetInfo: Sendable, Equatable {
    /// What a split holds.
    public struct SplitInfo: Sendable, Equatable {
        /// The number of images.
        public let count: Int
        /// Images of each class.
        public let classCounts: [Int]
        /// The smallest and the largest width in pixels.
        public let widths: ClosedRange<Int>
        /// The smallest and the largest height in pixels.
        public let heights: ClosedRange<Int>
        /// What is in the folders and not in the data set.
        public let leftOut: LeftOutFiles
        /// Mean and deviation of the pixels.
        public let statistics: ChannelStatistics
        /// The SHA-256 of all images in their order: label, width, height and channels as 32-bit
        /// little-endian numbers, then the pixels row by row, channels interleaved. Two data sets
        /// with the same digest train alike, whatever files they come from.
        public let sha256: String
    }

    /// The kind of data.
    public let kind: DatasetKind
    /// The names of the classes.
    public let classNames: [Name]
    /// 3 or 1.
    public let channels: Int
    /// The training images.
    public let train: SplitInfo
    /// The validation images, where there are some.
    public let validation: SplitInfo?
    /// The test images.
    public let test: SplitInfo
    /// What is to be said of the data, as `DatasetSplits.notes`.
    public let notes: [String]

    /// Reads every image of all splits.
    /// - Parameters:
    ///   - progress: Called with the number of images read and of all.
    /// - Throws: `DataError` of an image that cannot be read.
    public init(
        _ splits: DatasetSplits, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(DataError) {
        kind = splits.kind
        classNames = splits.train.classNames
        channels = splits.train.channels
        notes = splits.notes
        let total = splits.parts.reduce(0) { $0 + $1.images.count }
        var infos: [SplitInfo] = []
        var done = 0
        for (_, images) in splits.parts {
            infos.append(try Self.survey(images) { progress(done + $0, total) })
            done += images.count
        }
        train = infos[0]
        validation = infos.count == 3 ? infos[1] : nil
        test = infos[infos.count - 1]
    }

    private static func survey(
        _ dataset: any ImageDataset, progress: (Int) -> Void
    ) throws(DataError) -> SplitInfo {
        var sums = PixelSums(channels: dataset.channels)
        var hash = SHA256()
        var widths: ClosedRange<Int>?
        var heights: ClosedRange<Int>?
        for index in 0..<dataset.count {
            let image = try dataset.image(at: index)
            sums.add(image)
            for number in [dataset.label(at: index), image.width, image.height, image.channels] {
                withUnsafeBytes(of: UInt32(number).littleEndian) { hash.update($0) }
            }
            hash.update(image.pixels)
            widths = widened(widths, by: image.width)
            heights = widened(heights, by: image.height)
            progress(index + 1)
        }
        guard let widths, let heights, let statistics = sums.statistics else {
            throw DataError(.noImages, "\(dataset.name): holds no image")
        }
        return SplitInfo(
            count: dataset.count, classCounts: dataset.classCounts(), widths: widths,
            heights: heights, leftOut: dataset.leftOut, statistics: statistics,
            sha256: hash.finish().description)
    }

    private static func widened(_ range: ClosedRange<Int>?, by value: Int) -> ClosedRange<Int> {
        guard let range else { return value...value }
        return min(range.lowerBound, value)...max(range.upperBound, value)
    }
}
