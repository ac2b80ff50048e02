import BONNData

/// Where a run is: everything in a checkpoint that is neither a tensor nor the configuration.
public struct TrainingState: Sendable, Equatable, Codable {
    /// Epochs that are complete; also the index, from 0, of the epoch under way.
    public var epoch = 0
    /// What the epoch under way has added up; its `steps` are the batches already used.
    public var progress = EpochProgress()
    /// The rows of metrics.csv.
    public var metrics: [EpochMetrics] = []
    /// The rows of layers.csv.
    public var layers: [LayerStatistics] = []
    /// The epoch with the best test top-1 so far, counted from 1; nil before a measurement.
    public var bestEpoch: Int?
    /// The test top-1 of that epoch, 0...1.
    public var bestTop1: Double?
    /// Whether the feature loss has its centres and variances from the phase under way; nil in
    /// checkpoints that do not say.
    public var featureLossActs: Bool? = false
    /// What the run took from the weights of another one before its first step.
    public var origin: WeightOrigin?
    /// Images left out as unreadable, by message.
    public var skipped: Set<String> = []
    /// The data that the run trains on.
    public var dataset = DatasetIdentity()

    /// The start of a run.
    public init() {}
}

/// What tells one data set from another; a run is resumed only on the data that it started with.
public struct DatasetIdentity: Sendable, Equatable, Codable, CustomStringConvertible {
    /// The kind, as `DatasetKind` spells it.
    public var kind = ""
    /// Training images used.
    public var trainImages = 0
    /// Test images used.
    public var testImages = 0
    /// The names of the classes, in the order of the logits.
    public var classNames: [String] = []

    /// No data set yet.
    public init() {}

    init(_ splits: DatasetSplits) {
        kind = splits.kind.rawValue
        trainImages = splits.train.count
        testImages = splits.test.count
        classNames = splits.train.classNames
    }

    /// Kind and counts.
    public var description: String {
        "\(kind) (\(trainImages) training and \(testImages) test images, "
            + "\(classNames.count) classes)"
    }
}
