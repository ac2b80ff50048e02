public import Torch

/// What a network is run for.
public enum Phase: Sendable {
    /// Batch statistics, dropout, gradients.
    case training
    /// Running statistics.
    case evaluation
}

/// One run of a network over a batch.
///
/// What is deployed is computed by `DeployedNetwork`, in the runtime's arithmetic.
public struct Pass {
    /// What the run is for.
    public var phase: Phase
    /// Where what is random draws from; needed in training by networks with dropout.
    public var generator: Generator?
    /// Whether fused operations may stand in for the composed ones that define them.
    public var isFusing: Bool

    /// Creates a pass.
    public init(_ phase: Phase, generator: Generator? = nil, isFusing: Bool = true) {
        self.phase = phase
        self.generator = generator
        self.isFusing = isFusing
    }

    var isTraining: Bool { phase == .training }
}
