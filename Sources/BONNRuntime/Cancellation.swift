import BONNModelFormat
import CBONNKernels

/// Ends a run from another thread: a button, a deadline, a task that nobody waits for any more.
///
///     let cancellation = session.cancellation
///     // On another thread:
///     cancellation.cancel()
///
/// The run in progress ends within some milliseconds with `RuntimeError` of code `.cancelled`; where none
/// is in progress, the next one does. The session can be used again.
///
/// `@unchecked Sendable`: the counter is atomic.
public final class Cancellation: @unchecked Sendable {
    private let requested: UnsafeMutablePointer<bonn_counter>
    private let memory: AlignedMemory

    init() throws(RuntimeError) {
        memory = try AlignedMemory.allocate(byteCount: MemoryLayout<bonn_counter>.size)
        requested = memory.base.bindMemory(to: bonn_counter.self, capacity: 1)
        requested.initialize(to: bonn_counter(value: 0))
    }

    /// Asks the run to end.
    public func cancel() { bonn_counter_store(requested, 1) }

    /// Whether somebody has asked.
    var isRequested: Bool { bonn_counter_load(requested) != 0 }

    /// Whether somebody has asked, who now gets the answer.
    func take() -> Bool {
        guard isRequested else { return false }
        bonn_counter_store(requested, 0)
        return true
    }
}
