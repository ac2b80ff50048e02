import BONNConfiguration
public import BONNData
import BONNImage
import BONNMethods
public import BONNModelFormat

extension TrainingConfiguration {
    /// The configuration with everything filled in that follows from the data: classes, channels,
    /// input size, resize rule, mean and standard deviation.
    ///
    /// Values that the recipe gives are kept and checked. Mean and standard deviation are measured
    /// on at most 4,096 training images, spread evenly, as evaluation would see them, and rounded
    /// to four decimals.
    ///
    /// - Throws: `.configuration` for a contradiction, `.data` for an image that cannot be read.
    public func resolved(
        for splits: DatasetSplits
    ) throws(TrainingError) -> TrainingConfiguration {
        var resolved = self
        let train = splits.train
        if let share = splits.heldOutShare { resolved.data.validationShare = share }
        let classes = train.classNames.count
        if model.classes == 0 { resolved.model.classes = classes }
        guard resolved.model.classes == classes else {
            throw TrainingError(
                .configuration,
                "\(path(of: \.model.classes)) is \(model.classes), but \(train.name) has \(classes) classes; "
                    + "leave the key at 0 to have as many outputs as the data has classes")
        }
        try checkClassWeights(for: train)
        if model.inputChannels == 0 { resolved.model.inputChannels = train.channels }
        guard [1, 3].contains(resolved.model.inputChannels) else {
            throw TrainingError(
                .configuration,
                "\(path(of: \.model.inputChannels)) is \(model.inputChannels), expected 1 (gray) or 3 (colour)"
            )
        }
        try resolved.resolveSize(for: train)
        try resolved.resolveNormalisation(for: train)
        try resolved.checkAugmentation()
        try resolved.checkSchedule()
        do {
            try resolved.model.validate()
            let size = resolved.augmentation.imageSize
            try resolved.model.validate(height: size.height, width: size.width)
            try resolved.preprocessing.validate()
            try resolved.checkSmallestBatch(of: train.count)
        } catch {
            throw TrainingError.wrapping(error, as: .configuration)
        }
        return resolved
    }

    private func checkSchedule() throws(TrainingError) {
        guard schedule.name == .exponential, schedule.floor == 0 else { return }
        throw TrainingError(
            .configuration,
            "\(path(of: \.schedule.floor)) is 0, which an exponential schedule does not reach; expected more"
        )
    }

    private func checkClassWeights(for dataset: any ImageDataset) throws(TrainingError) {
        let key = path(of: \.losses.classification.classWeights)
        let names = dataset.classNames
        switch losses.classification.classWeights {
        case .none: return
        case .balanced:
            guard let empty = dataset.classCounts().firstIndex(of: 0) else { return }
            throw TrainingError(
                .configuration,
                "\(key) is balanced, but no training image of \(dataset.name) is of class "
                    + "'\(printable(names[empty].text, limit: 80))'; give the weights as a list, or none"
            )
        case .given(let weights):
            guard weights.count != names.count else { return }
            throw TrainingError(
                .configuration,
                "\(key) has \(weights.count) numbers, expected \(names.count), one for each class of "
                    + dataset.name)
        }
    }

    /// How an image becomes the network's input, in evaluation and in an exported model.
    ///
    /// - Precondition: the configuration was `resolved(for:)` a data set, or comes from a
    ///   checkpoint.
    public var preprocessing: Preprocessing {
        Preprocessing(
            width: augmentation.imageSize.width, height: augmentation.imageSize.height,
            resize: augmentation.resize == .stretch
                ? .stretch : .shorterSide(augmentation.resizeTo),
            channels: model.inputChannels == 1 ? .gray : .rgb,
            mean: augmentation.mean.map(Float.init), std: augmentation.std.map(Float.init),
            orientation: orientation)
    }

    private mutating func resolveSize(for dataset: any ImageDataset) throws(TrainingError) {
        let images = dataset.imageSize.map { ImageSize(height: $0.height, width: $0.width) }
        if !augmentation.imageSize.isKnown {
            guard let images else {
                throw TrainingError(
                    .configuration,
                    "\(path(of: \.augmentation.imageSize)) must be given: the images of "
                        + "\(dataset.name) are of differing sizes, and the network needs one size")
            }
            augmentation.imageSize = images
        }
        let size = augmentation.imageSize
        if augmentation.resize == .auto {
            let stretches = !size.isSquare && images == nil && augmentation.resizeTo == 0
            augmentation.resize = stretches ? .stretch : .crop
        }
        guard augmentation.resize == .crop else { return }
        if augmentation.resizeTo == 0 {
            augmentation.resizeTo = size.coveringSide(of: images)
        }
        let resizeTo = augmentation.resizeTo
        guard resizeTo >= size.shorterSide else {
            throw TrainingError(
                .configuration,
                "\(path(of: \.augmentation.resizeTo)) is \(resizeTo), expected at least "
                    + "\(size.shorterSide), the shorter side of "
                    + "\(path(of: \.augmentation.imageSize)), which is \(size)")
        }
    }

    /// The batch norms of training need more than one value of each channel.
    private func checkSmallestBatch(of images: Int) throws(TrainingError) {
        let size = augmentation.imageSize
        let isSingle: Bool
        do {
            isSingle = try model.normalizesSinglePixels(of: size)
        } catch {
            throw TrainingError(.configuration, error.message)
        }
        guard isSingle else { return }
        let rest = images % data.batchSize
        let smallest =
            images < data.batchSize || rest > 0 && !data.dropLast ? rest : data.batchSize
        guard smallest == 1 else { return }
        throw TrainingError(
            .configuration,
            "a batch of an epoch has one image, and one pixel is left of \(size.height)x\(size.width) "
                + "behind the last layer, of which batch norms cannot take a variance: change "
                + "\(path(of: \.data.batchSize)), which is \(data.batchSize) for \(images) images, "
                + "set \(path(of: \.data.dropLast)), or take larger images")
    }

    private mutating func resolveNormalisation(
        for dataset: any ImageDataset
    ) throws(TrainingError) {
        let channels = model.inputChannels
        for (key, values) in [
            (path(of: \.augmentation.mean), augmentation.mean),
            (path(of: \.augmentation.std), augmentation.std),
        ] where !values.isEmpty && values.count != channels {
            throw TrainingError(
                .configuration,
                "\(key) has \(values.count) numbers, expected \(channels), "
                    + "one for each channel")
        }
        guard augmentation.mean.isEmpty || augmentation.std.isEmpty else { return }
        var rule = self
        rule.augmentation.mean = [Double](repeating: 0, count: channels)
        rule.augmentation.std = [Double](repeating: 1, count: channels)
        let measured = try statistics(of: dataset, as: rule.preprocessing)
        func rounded(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }
        if augmentation.mean.isEmpty { augmentation.mean = measured.mean.map(rounded) }
        if augmentation.std.isEmpty { augmentation.std = measured.std.map(rounded) }
    }

    /// How many images are measured at most.
    private static let largestSample = 4096

    /// The statistics of images, evenly spread, as a rule prepares them.
    private func statistics(
        of dataset: any ImageDataset, as rule: Preprocessing
    ) throws(TrainingError) -> ChannelStatistics {
        var sums = PixelSums(channels: rule.channelCount)
        let sample = min(dataset.count, Self.largestSample)
        for position in 0..<sample {
            do {
                sums.add(
                    try rule.apply(try dataset.image(at: position * dataset.count / sample)))
            } catch {
                guard data.skipBroken else { throw TrainingError(.data, "\(error)") }
            }
        }
        guard let statistics = sums.statistics else {
            throw TrainingError(.data, "\(dataset.name): no image could be read")
        }
        return statistics
    }

    private func checkAugmentation() throws(TrainingError) {
        let chosen = augmentation
        for (smallest, largest) in [
            (\AugmentationConfiguration.minimumScale, \AugmentationConfiguration.maximumScale),
            (\.minimumRatio, \.maximumRatio),
        ] where chosen[keyPath: smallest] > chosen[keyPath: largest] {
            func named(_ part: KeyPath<AugmentationConfiguration, Double>) -> String {
                let augmentation = \TrainingConfiguration.augmentation
                return path(of: augmentation.appending(path: part))
                    + ", which is \(chosen[keyPath: part])"
            }
            throw TrainingError(
                .configuration,
                "expected \(named(smallest)), to be at most \(named(largest))")
        }
        guard chosen.paddingMode == .zero || chosen.padding < chosen.imageSize.shorterSide else {
            throw TrainingError(
                .configuration,
                "\(path(of: \.augmentation.padding)) is \(chosen.padding), expected less than "
                    + "\(path(of: \.augmentation.imageSize)), which is \(chosen.imageSize), "
                    + "for reflection")
        }
    }
}

extension ImageSize {
    /// The shorter side to which images are resized before a centre crop of this size.
    ///
    /// Images of this very size stay whole. Of others the crop takes 0.875 of the shorter side, as is
    /// usual; of images of one size that is another shape, as much as its other side allows.
    fileprivate func coveringSide(of images: ImageSize?) -> Int {
        if images == self { return shorterSide }
        func enlarged(_ side: Int) -> Int { Int((Double(side) / 0.875).rounded()) }
        guard let images, !isSquare else { return enlarged(max(height, width)) }
        let (short, long) = (images.shorterSide, max(images.height, images.width))
        let (alongShort, alongLong) =
            images.height <= images.width ? (height, width) : (width, height)
        var side = enlarged(alongShort)
        while side * long / short < enlarged(alongLong) { side += 1 }
        return side
    }
}
