import BONNData
public import BONNModelFormat

/// Where a run is: everything in a checkpoint that is neither a tensor nor the configuration.
public struct TrainingState: Sendable, Equatable, Codable {
    /// Epochs that are complete; also the index, from 0, of the epoch under way.
    public var epoch = 0
    /// The stage of the recipe that the epoch belongs to, counted from 0; nil in checkpoints that do not say: the
    /// first.
    public var stage: Int? = 0
    /// What the epoch under way has added up; its `steps` are the batches already used.
    public var progress = EpochProgress()
    /// The rows of metrics.csv.
    public var metrics: [EpochMetrics] = []
    /// The rows of layers.csv.
    public var layers: [LayerStatistics] = []
    /// The epoch of the stage with the best top-1 so far, counted from 1; nil before a measurement.
    public var bestEpoch: Int?
    /// The top-1 of that epoch on the images that the best one is chosen on, 0...1.
    public var bestTop1: Double?
    /// What the best epoch is chosen on; nil in checkpoints that do not say: the test images.
    public var selection: SelectionSet? = .test
    /// The measurement of the best epoch on the test images at the end of a run that chooses it on
    /// others; nil before that, and in all other runs.
    public var finalTest: FinalTest?
    /// The objectives that have seen the features of the training images for the phase under way; nil in
    /// checkpoints that do not say.
    public var prepared: [String]? = []
    /// What the run took from the weights of another one before its first step.
    public var origin: WeightOrigin?
    /// Images left out as unreadable, by message.
    public var skipped: Set<String> = []
    /// The data that the run trains on.
    public var dataset = DatasetIdentity()

    /// The start of a run.
    public init() {}
}

/// What the best epoch is chosen on.
public enum SelectionSet: String, Sendable, Codable {
    /// Images that serve nothing else.
    case validation
    /// The test images: what they show of the best epoch is more than other images will.
    case test
}

/// What the best epoch achieves on test images that had no part in choosing it.
public struct FinalTest: Sendable, Equatable, Codable {
    /// The epoch, counted from 1.
    public let epoch: Int
    /// Images measured.
    public let images: Int
    /// The mean cross-entropy.
    public let loss: Double
    /// Share of images whose class has the largest logit, 0...1.
    public let top1: Double
    /// Share of images whose class is among the five largest logits, 0...1.
    public let top5: Double

    init(_ result: EvaluationResult, epoch: Int) {
        self.epoch = epoch
        images = result.images
        loss = result.loss
        top1 = result.top1
        top5 = result.top5
    }
}

/// What tells one data set from another; a run is resumed only on the data that it started with.
public struct DatasetIdentity: Sendable, Equatable, Codable, CustomStringConvertible {
    /// The kind, as `DatasetKind` spells it.
    public var kind = ""
    /// Training images used.
    public var trainImages = 0
    /// Validation images used; nil where there are none.
    public var validationImages: Int?
    /// Test images used.
    public var testImages = 0
    /// The names of the classes, in the order of the logits.
    public var classNames: [Name] = []
    /// The digests of labels, names and sizes of the training images, of the validation images and of
    /// the test images used (`ImageDataset.listingDigest`); nil in checkpoints that do not say.
    public var trainDigest: String?
    /// Of the validation images.
    public var validationDigest: String?
    /// Of the test images.
    public var testDigest: String?

    /// No data set yet.
    public init() {}

    init(_ splits: DatasetSplits) {
        kind = splits.kind.rawValue
        trainImages = splits.train.count
        validationImages = splits.validation?.count
        testImages = splits.test.count
        classNames = splits.train.classNames
        trainDigest = splits.train.listingDigest().description
        validationDigest = splits.validation?.listingDigest().description
        testDigest = splits.test.listingDigest().description
    }

    /// What another data set has that this one has not; nil where they are the same, as far as this
    /// one says.
    func difference(from other: DatasetIdentity) -> String? {
        if kind != other.kind || trainImages != other.trainImages
            || validationImages != other.validationImages || testImages != other.testImages
        {
            return "\(other)"
        }
        if classNames != other.classNames {
            let pair = zip(classNames, other.classNames).first { $0 != $1 }
            guard let pair else { return "\(other)" }
            return "has class '\(printable(pair.1.text, limit: 60))' in the place of "
                + "'\(printable(pair.0.text, limit: 60))'"
        }
        let digests = [
            ("training", trainDigest, other.trainDigest),
            ("validation", validationDigest, other.validationDigest),
            ("test", testDigest, other.testDigest),
        ]
        for (part, before, now) in digests where before != nil && before != now {
            return "has as many, but other \(part) images: a label, a name or a size differs"
        }
        return nil
    }

    /// Kind and counts.
    public var description: String {
        let validation = validationImages.map { ", \($0) validation" } ?? ""
        return "\(kind) (\(trainImages) training\(validation) and \(testImages) test images, "
            + "\(classNames.count) classes)"
    }
}
