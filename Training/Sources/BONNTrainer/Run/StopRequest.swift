import Synchronization

/// A wish to stop that any thread or signal handler may utter and the trainer hears after its step.
public final class StopRequest: Sendable {
    private let requested = Atomic(false)

    /// No wish yet.
    public init() {}

    /// Asks the run to finish its step, save and return.
    public func request() { requested.store(true, ordering: .relaxed) }

    /// Whether the run should stop.
    public var isRequested: Bool { requested.load(ordering: .relaxed) }
}
