import CBONNKernels

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#endif

/// A counter that threads can wait on: first by spinning, because the next layer of a network is
/// microseconds away, then asleep.
///
/// `@unchecked Sendable`: the counters are atomic, and the sleepers' part is under the mutex.
final class Signal: @unchecked Sendable {
    private static let spins = 2_000
    private let counter: UnsafeMutablePointer<bonn_counter>
    private let sleepers: UnsafeMutablePointer<bonn_counter>
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        counter = .allocate(capacity: 1)
        counter.initialize(to: bonn_counter(value: 0))
        sleepers = .allocate(capacity: 1)
        sleepers.initialize(to: bonn_counter(value: 0))
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
        sleepers.deallocate()
        counter.deallocate()
    }

    /// The counter; everything that was written before it got this value is visible.
    var value: UInt64 { bonn_counter_load(counter) }

    /// Changes the counter and wakes the threads that sleep.
    func publish(_ value: UInt64) {
        bonn_counter_store(counter, value)
        wake()
    }

    /// Adds 1 and wakes the threads that sleep.
    func advance() {
        bonn_counter_add(counter, 1)
        wake()
    }

    /// Returns when the counter satisfies a condition.
    func wait(until isReached: (UInt64) -> Bool) {
        for _ in 0..<Self.spins {
            if isReached(value) { return }
            bonn_pause()
        }
        pthread_mutex_lock(mutex)
        bonn_counter_add(sleepers, 1)
        while !isReached(value) { pthread_cond_wait(condition, mutex) }
        bonn_counter_add(sleepers, .max)
        pthread_mutex_unlock(mutex)
    }

    // A thread announces itself as asleep before it looks at the counter for the last time, so
    // either it sees the new value or it is seen here.
    private func wake() {
        guard bonn_counter_load(sleepers) > 0 else { return }
        pthread_mutex_lock(mutex)
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }
}
