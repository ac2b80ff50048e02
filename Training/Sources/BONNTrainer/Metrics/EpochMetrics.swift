/// One row of metrics.csv.
public struct EpochMetrics: Sendable, Equatable, Codable {
    /// Counted from 1.
    public var epoch: Int
    /// The base learning rate at the last step of the epoch.
    public var learningRate: Double
    /// The mean over the training images of the total loss: the sum of the next three.
    public var trainLoss: Double
    /// The mean cross-entropy, weighted where classes have weights.
    public var crossEntropy: Double
    /// The mean of lambda / 2 times the Bayesian kernel loss.
    public var kernelLoss: Double
    /// The mean of theta / 2 times the Bayesian feature loss.
    public var featureLoss: Double
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

    /// Creates the row of an epoch without a measurement.
    public init(
        epoch: Int, learningRate: Double, trainLoss: Double, crossEntropy: Double,
        kernelLoss: Double, featureLoss: Double, trainTop1: Double, imagesPerSecond: Double,
        seconds: Double
    ) {
        self.epoch = epoch
        self.learningRate = learningRate
        self.trainLoss = trainLoss
        self.crossEntropy = crossEntropy
        self.kernelLoss = kernelLoss
        self.featureLoss = featureLoss
        self.trainTop1 = trainTop1
        self.imagesPerSecond = imagesPerSecond
        self.seconds = seconds
    }
}

/// One row of layers.csv: the state of a binary layer at the end of an epoch.
public struct LayerStatistics: Sendable, Equatable, Codable {
    /// Counted from 1; 0 is the state before training.
    public var epoch: Int
    /// The name of the layer.
    public var layer: String
    /// Mean |x| of the latent weights.
    public var meanAbsolute: Double
    /// Mean of mu over the kernels.
    public var mu: Double?
    /// Mean of sigma over the kernels.
    public var sigma: Double?
    /// The mean of w: the scale of the layer.
    public var scale: Double?
    /// Share of latent weights whose sign is another than an epoch ago.
    public var flipRatio: Double
    /// Share of latent weights within half of their kernel's mean |x| of zero: 0.31 for one
    /// Gaussian mode at zero, 0 for two sharp modes.
    public var nearZero: Double
}

/// What has been added up since the start of an epoch; part of a checkpoint within it.
public struct EpochProgress: Sendable, Equatable, Codable {
    /// Batches used; one of which every image was left out counts, too.
    public var steps = 0
    /// Sum over images of the cross-entropy.
    public var crossEntropy = 0.0
    /// Sum over images of the weighted kernel loss.
    public var kernelLoss = 0.0
    /// Sum over images of the weighted feature loss.
    public var featureLoss = 0.0
    /// The base learning rate of the last step.
    public var learningRate = 0.0
    /// Right and wrong answers.
    public var counts = ClassificationCounts()
    /// Seconds spent on training steps.
    public var seconds = 0.0

    /// The start of an epoch.
    public init() {}

    /// Adds the losses of one step, each the mean over the step's images.
    mutating func add(_ losses: LossValues, images: Int) {
        crossEntropy += losses.crossEntropy * Double(images)
        kernelLoss += losses.kernel * Double(images)
        featureLoss += losses.feature * Double(images)
    }
}

/// The terms of the loss of one step, weighted, so that their sum is what is minimised.
public struct LossValues: Sendable, Equatable {
    /// Cross-entropy.
    public var crossEntropy: Double
    /// lambda / 2 times the Bayesian kernel loss.
    public var kernel: Double
    /// theta / 2 times the Bayesian feature loss.
    public var feature: Double
    /// The sum.
    public var total: Double { crossEntropy + kernel + feature }
}
