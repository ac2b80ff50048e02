public import BONNMethods

/// One row of metrics.csv.
public struct EpochMetrics: Sendable, Equatable {
    /// Counted from 1.
    public var epoch: Int
    /// The base learning rate at the last step of the epoch.
    public var learningRate: Double
    /// The mean over the training images of the total loss: the sum of the terms.
    public var trainLoss: Double
    /// The mean of each weighted term.
    public var losses: Losses
    /// Share of right answers on the augmented training images, as the epoch went, 0...1.
    public var trainTop1: Double
    /// The mean cross-entropy on the test images; nil in epochs without a measurement.
    public var testLoss: Double?
    /// Share of right answers on the test images, 0...1.
    public var testTop1: Double?
    /// Share of test images whose class is among the first five, 0...1.
    public var testTop5: Double?
    /// The same three of the validation images, where there are some; the test images are then
    /// not measured epoch by epoch.
    public var validationLoss: Double?
    /// Share of right answers on the validation images, 0...1.
    public var validationTop1: Double?
    /// Share of validation images whose class is among the first five, 0...1.
    public var validationTop5: Double?
    /// Training images per second.
    public var imagesPerSecond: Double
    /// Seconds of the epoch, with its measurement.
    public var seconds: Double

    /// The columns of metrics.csv, but those of the terms of the loss, which stand behind the third.
    static let columns = [
        "epoch", "learning_rate", "train_loss", "train_top1", "test_loss", "test_top1",
        "test_top5", "validation_loss", "validation_top1", "validation_top5",
        "images_per_second", "seconds",
    ]

    /// Creates the row of an epoch without a measurement.
    public init(
        epoch: Int, learningRate: Double, trainLoss: Double, losses: Losses, trainTop1: Double,
        imagesPerSecond: Double, seconds: Double
    ) {
        self.epoch = epoch
        self.learningRate = learningRate
        self.trainLoss = trainLoss
        self.losses = losses
        self.trainTop1 = trainTop1
        self.imagesPerSecond = imagesPerSecond
        self.seconds = seconds
    }
}

/// What has been added up since the start of an epoch; part of a checkpoint within it.
public struct EpochProgress: Sendable, Equatable {
    /// Batches used; one of which every image was left out counts, too.
    public var steps = 0
    /// Sum over images of each weighted term of the loss.
    public var losses: Losses
    /// The base learning rate of the last step.
    public var learningRate = 0.0
    /// Right and wrong answers.
    public var counts = ClassificationCounts()
    /// Seconds spent on training steps.
    public var seconds = 0.0

    /// The start of an epoch.
    ///
    /// - Parameter terms: the names of the terms of the loss.
    public init(terms: [String] = []) { losses = Losses(terms) }

    /// Adds what one step found, means over its images.
    mutating func add(_ losses: Losses, images: Int) {
        self.losses.add(losses, weight: Double(images))
    }

    /// The row of metrics.csv when all steps of the epoch are done.
    func row(
        epoch: Int, result: EvaluationResult?, on selection: SelectionSet, evaluationSeconds: Double
    ) -> EpochMetrics {
        let images = Double(max(1, counts.images))
        var row = EpochMetrics(
            epoch: epoch, learningRate: learningRate, trainLoss: losses.total / images,
            losses: losses / images, trainTop1: counts.top1Share,
            imagesPerSecond: Double(counts.images) / max(1e-9, seconds),
            seconds: seconds + evaluationSeconds)
        switch selection {
        case .validation:
            row.validationLoss = result?.loss
            row.validationTop1 = result?.top1
            row.validationTop5 = result?.top5
        case .test:
            row.testLoss = result?.loss
            row.testTop1 = result?.top1
            row.testTop5 = result?.top5
        }
        return row
    }
}

/// One row of layers.csv: the state of a binary layer at the end of an epoch.
public struct LayerStatistics: Sendable, Equatable, Encodable {
    /// A number of a layer's kernel quantizer.
    public struct Own: Sendable, Equatable, Codable {
        /// Its column.
        public let name: String
        /// The number.
        public let value: Double
    }

    /// Counted from 1; 0 is the state before training.
    public var epoch: Int
    /// The name of the layer.
    public var layer: String
    /// Mean |x| of the latent weights.
    public var meanAbsolute: Double
    /// Mean |x| of the kernel that the layer multiplies with; nil in rows of earlier versions.
    public var magnitude: Double?
    /// What the kernel quantizer tells of itself.
    public var own: [Own]
    /// Share of latent weights whose sign is another than an epoch ago.
    public var flipRatio: Double
    /// Share of latent weights within half of their kernel's mean |x| of zero: 0.31 for one
    /// Gaussian mode at zero, 0 for two sharp modes.
    public var nearZero: Double

    /// The number of a column of the kernel quantizer's.
    public subscript(name: String) -> Double? { own.first { $0.name == name }?.value }
}
