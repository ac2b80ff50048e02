public import BONNMethods

/// Who is told of a run as it goes: tables, terminals. Gets what happened and where the run then is; what it
/// throws ends the run.
public typealias TrainingObserver = (_ event: TrainingEvent, _ run: TrainingState) throws -> Void

/// What a run tells its observers as it goes; the library itself prints nothing.
public enum TrainingEvent: Sendable {
    /// Before the first step: everything that was resolved, and where the run starts.
    case started(RunSummary)
    /// A further stage begins, from the weights of the one before.
    case stage(StageSummary)
    /// After an optimiser step.
    case step(StepReport)
    /// A term of the loss acts from this epoch on (counted from 1), for which a pass over the training images
    /// prepares it now.
    case objective(title: String, epoch: Int)
    /// An image was left out as unreadable.
    case skipped(String)
    /// A checkpoint was written.
    case saved(path: String)
    /// After an epoch and its measurement.
    case epoch(EpochMetrics)
}

/// What a run is about to do.
public struct RunSummary: Sendable {
    /// The stage that it begins or goes on with.
    public let stage: StageSummary
    /// Epochs of all stages.
    public let epochs: Int
    /// The data.
    public let dataset: DatasetIdentity
    /// The folder.
    public let directory: String
    /// Complete epochs of the checkpoint that the run goes on from; 0 for a new run.
    public let completedEpochs: Int
    /// Steps of the epoch under way that the checkpoint holds.
    public let completedSteps: Int
    /// The number of epochs that the checkpoint was to reach, where it is another one now.
    public let earlierEpochs: Int?
    /// Lines about the data: what was left out, how it was divided.
    public let notes: [String]
}

/// What is trained in a stage.
public struct StageSummary: Sendable {
    /// The stage, with its complete configuration.
    public let stage: RunStage
    /// Stages of the run.
    public let stages: Int
    /// Trained numbers of 1-bit kernels.
    public let binaryParameters: Int
    /// All other trained numbers.
    public let realParameters: Int
    /// The names of the objectives, whose sum is minimized.
    public let objectives: [String]
    /// What it takes from the weights of the stage before, or a new run from those of another one.
    public let transfer: WeightTransfer?
}

/// One optimiser step.
public struct StepReport: Sendable {
    /// Counted from 1.
    public let epoch: Int
    /// Epochs of the run.
    public let epochs: Int
    /// Counted from 1 within the epoch.
    public let step: Int
    /// Steps of the epoch.
    public let steps: Int
    /// The weighted terms of the loss, their means in the epoch so far.
    public let losses: Losses
    /// The base learning rate.
    public let learningRate: Double
    /// Share of right answers in the epoch so far, 0...1.
    public let top1: Double
    /// Training images per second in the epoch so far.
    public let imagesPerSecond: Double
    /// The mean duration of the epoch's steps so far.
    public let secondsPerStep: Double
}

/// How a run ended.
public struct TrainingOutcome: Sendable {
    /// False when a stop was requested; the run then goes on with `--resume`.
    public let isFinished: Bool
    /// Complete epochs.
    public let epochs: Int
    /// Steps of a further epoch that are done and saved.
    public let steps: Int
    /// The rows of metrics.csv.
    public let metrics: [EpochMetrics]
    /// The epoch with the best top-1, counted from 1.
    public let bestEpoch: Int?
    /// Its top-1 on the images that it was chosen on, 0...1.
    public let bestTop1: Double?
    /// What it was chosen on.
    public let selection: SelectionSet
    /// What it achieves on the test images, where it was chosen on others and the run is finished.
    public let finalTest: FinalTest?
    /// How many images were left out as unreadable.
    public let skippedImages: Int
}
