public import Torch

/// Something that a method does between the steps of training: to gradients before an update, to parameters
/// after it, to its own state at the beginning of an epoch.
///
/// Made for one network, whose layers it may hold. What has to stay in range from step to step, each layer by
/// itself, is simpler in `KernelQuantizer.constrain`, which is called before `afterUpdate`.
public protocol TrainingRule: AnyObject {
    /// What it remembers: buffers with names of their own, which checkpoints keep.
    var state: [Parameter] { get }

    /// The epoch begins; not called again in one that is resumed.
    func beginEpoch(_ progress: RunProgress) throws(TorchError)

    /// The parameters have their gradients, which may be changed; the update follows.
    func gradientsReady(_ progress: RunProgress) throws(TorchError)

    /// The parameters are updated.
    func afterUpdate(_ progress: RunProgress) throws(TorchError)
}

extension TrainingRule {
    /// None.
    public var state: [Parameter] { [] }

    /// Nothing.
    public func beginEpoch(_ progress: RunProgress) throws(TorchError) {}

    /// Nothing.
    public func gradientsReady(_ progress: RunProgress) throws(TorchError) {}

    /// Nothing.
    public func afterUpdate(_ progress: RunProgress) throws(TorchError) {}
}
