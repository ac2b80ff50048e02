public import BONNData
import BONNImage

/// The first images of a data set.
struct FirstImages: ImageDataset {
    let base: any ImageDataset
    let count: Int

    var name: String { base.name }
    var classNames: [String] { base.classNames }
    var channels: Int { base.channels }
    var imageSize: (width: Int, height: Int)? { base.imageSize }

    func label(at index: Int) -> Int { base.label(at: index) }
    func image(at index: Int) throws(DataError) -> PixelBuffer { try base.image(at: index) }
    func identifier(at index: Int) -> String { base.identifier(at: index) }
}

extension ImageDataset {
    /// The first images of the data set; all of them when `count` is 0 or larger than the set.
    public func limited(to count: Int) -> any ImageDataset {
        count == 0 || count >= self.count ? self : FirstImages(base: self, count: count)
    }
}

extension DataConfiguration {
    /// How the data set is opened. Unreadable images are left out when they are read, and not all
    /// decoded beforehand.
    public var options: DatasetOptions {
        var options = DatasetOptions()
        options.coarseLabels = coarseLabels
        options.folderOrder = folderOrder
        return options
    }
}

extension DatasetSplits {
    /// The parts of the data that a configuration uses.
    func limited(by configuration: DataConfiguration) -> DatasetSplits {
        DatasetSplits(
            kind: kind, train: train.limited(to: configuration.trainImages),
            validation: validation, test: test.limited(to: configuration.testImages))
    }
}
