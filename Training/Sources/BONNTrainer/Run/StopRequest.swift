import Synchronization

/// A wish to stop that any thread or signal handler may utter and the trainer hears after its step.
public final class StopRequest: Sendable {
    private let requested = Atomic(false)
    private let number = Atomic<Int32>(0)

    /// No wish yet.
    public init() {}

    /// Asks the run to finish its step, save and return.
    ///
    /// - Parameter signal: the signal of the system that asks; 0 where none does.
    public func request(signal: Int32 = 0) {
        number.store(signal, ordering: .relaxed)
        requested.store(true, ordering: .releasing)
    }

    /// Whether the run should stop.
    public var isRequested: Bool { requested.load(ordering: .acquiring) }

    /// The signal that asked; nil when none did.
    public var signal: Int32? {
        let signal = number.load(ordering: .relaxed)
        return signal == 0 ? nil : signal
    }
}
