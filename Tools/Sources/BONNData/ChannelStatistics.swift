/// Mean and standard deviation of each channel, in units of a full-scale sample (0...1).
public struct ChannelStatistics: Sendable, Equatable {
    /// One mean a channel.
    public let mean: [Float]
    /// One standard deviation a channel.
    public let std: [Float]

    /// Creates statistics.
    public init(mean: [Float], std: [Float]) {
        self.mean = mean
        self.std = std
    }

    /// CIFAR-10 and CIFAR-100 as the Wide ResNet authors' code has them: means 125.3, 123.0,
    /// 113.9 and deviations 63.0, 62.1, 66.7 of 255 (Zagoruyko and Komodakis, 2016).
    public static let cifar = ChannelStatistics(
        mean: [125.3 / 255, 123.0 / 255, 113.9 / 255], std: [63.0 / 255, 62.1 / 255, 66.7 / 255])

    /// ImageNet, as all published networks use them.
    public static let imageNet = ChannelStatistics(
        mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])

    /// The statistics of the pixels of a data set, or of `limit` of its images evenly spread.
    ///
    /// Sums are integers, so the result does not depend on the order. A channel without any
    /// variation gets the deviation 1 / 255, by which it can be divided.
    /// - Throws: `DataError` of an image that cannot be read.
    public static func measured(
        _ dataset: some ImageDataset, limit: Int = .max
    ) throws(DataError) -> ChannelStatistics {
        var sums = PixelSums(channels: dataset.channels)
        let count = min(dataset.count, max(limit, 1))
        for index in 0..<count {
            sums.add(try dataset.image(at: index * dataset.count / count))
        }
        return sums.statistics
    }
}

extension DatasetKind {
    /// The published statistics of a kind of data, if there are any: those that a network for it
    /// is trained with unless others are asked for.
    public var publishedStatistics: ChannelStatistics? {
        switch self {
        case .cifar10, .cifar100: .cifar
        case .imageFolder: .imageNet
        case .idx, .synthetic: nil
        }
    }
}
