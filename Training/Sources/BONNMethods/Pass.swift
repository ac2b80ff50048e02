public import Torch

/// What a network is run for.
public enum Phase: Sendable {
    /// Batch statistics, dropout, gradients.
    case training
    /// Running statistics.
    case evaluation
}

/// Numbers that products are of.
public enum Precision: String, Sendable, CaseIterable {
    /// 24 significant bits.
    case float32
    /// 8 significant bits, the range of float32; sums are of float32.
    case bfloat16
}

/// One run of a network over a batch.
///
/// What is deployed is computed by `DeployedNetwork`, in the runtime's arithmetic.
public struct Pass {
    /// What the run is for.
    public var phase: Phase
    /// Where the run is: what changes over the epochs follows it.
    public var progress: RunProgress
    /// Where what is random draws from; needed in training by networks with dropout, and by methods that
    /// draw.
    public var generator: Generator?
    /// Whether fused operations may stand in for the composed ones that define them.
    public var isFusing: Bool
    /// The share of the batch in the running statistics of batch norms, in training; nil: that of the norm.
    public var normMomentum: Double?
    /// What the gradients of quantized convolutions are multiplied in, where operations are fused.
    public var gradientPrecision: Precision

    /// Creates a pass.
    public init(
        _ phase: Phase, progress: RunProgress = .start, generator: Generator? = nil,
        isFusing: Bool = true, gradientPrecision: Precision = .float32
    ) {
        self.phase = phase
        self.progress = progress
        self.generator = generator
        self.isFusing = isFusing
        self.gradientPrecision = gradientPrecision
    }

    var isTraining: Bool { phase == .training }
}

/// Where a run is.
public struct RunProgress: Sendable, Equatable {
    /// The epoch under way, counted from 0.
    public var epoch: Int
    /// Epochs of the run.
    public var epochs: Int
    /// The step of the epoch under way, counted from 0.
    public var step: Int
    /// Steps of an epoch.
    public var steps: Int

    /// Names a place.
    public init(epoch: Int, epochs: Int, step: Int = 0, steps: Int = 1) {
        self.epoch = epoch
        self.epochs = epochs
        self.step = step
        self.steps = steps
    }

    /// The first epoch of a run, however long.
    public static let start = RunProgress(epoch: 0, epochs: 1)

    /// The share of the epochs that are done, from 0 on; below 1 in the last one.
    public var share: Double { Double(epoch) / Double(max(1, epochs)) }

    /// The share of the steps that are done, from 0 on; below 1 in the last one.
    public var shareOfSteps: Double {
        (Double(epoch) + Double(step) / Double(max(1, steps))) / Double(max(1, epochs))
    }
}
