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

/// Threads that wait to execute the parts of one job after the other.
///
/// Part k belongs to thread k, whose cache holds what it made before. The thread that calls `run`
/// executes part 0, then the parts of threads that have not begun theirs (other processes may have taken
/// their cores), and returns when all parts are done. Nothing is allocated by `run`.
final class ThreadPool {
    private let shared: Shared
    private var threads: [pthread_t] = []
    private var jobs: UInt64 = 0

    /// Starts `count - 1` threads that execute `body(part)`.
    ///
    /// - Throws: `.threadsUnavailable`.
    init(count: Int, body: @escaping @Sendable (_ part: Int) -> Void) throws(RuntimeError) {
        shared = Shared(threads: count, body: body)
        for part in 1..<max(count, 1) {
            let context = Unmanaged.passRetained(Worker(part: part, shared: shared))
            #if canImport(Darwin)
                var thread: pthread_t?
            #else
                var thread = pthread_t()
            #endif
            let status = pthread_create(&thread, nil, workerMain, context.toOpaque())
            guard status == 0 else {
                context.release()
                stop()
                throw RuntimeError(
                    .threadsUnavailable,
                    "the system started \(part) of \(count) threads: "
                        + String(cString: strerror(status)))
            }
            #if canImport(Darwin)
                if let thread { threads.append(thread) }
            #else
                threads.append(thread)
            #endif
        }
    }

    deinit { stop() }

    /// Executes `body(0)` ... `body(parts - 1)`, each once.
    func run(parts: Int) {
        precondition(parts <= threads.count + 1, "\(parts) parts need as many threads")
        guard parts > 1 else { return shared.body(0) }
        var target = shared.finished.value + UInt64(parts - 1)
        publish(parts: parts)
        shared.body(0)
        for part in 1..<parts where shared.claim(part, of: jobs) {
            shared.body(part)
            target -= 1
        }
        shared.finished.wait { $0 == target }
    }

    private func publish(parts: Int) {
        jobs += 1
        shared.started.publish(jobs << Shared.partBits | UInt64(parts))
    }

    private func stop() {
        publish(parts: 0)
        for thread in threads { pthread_join(thread, nil) }
        threads = []
    }
}

/// What the threads of a pool share.
///
/// `@unchecked Sendable`: the counters are atomic.
private final class Shared: @unchecked Sendable {
    /// The low bits of `started` hold the number of parts of the job, 0 to end the threads. One
    /// atomic number tells both, so a thread without a part can never mix up two jobs.
    static let partBits: UInt64 = 16

    let body: @Sendable (Int) -> Void
    let started = Signal()
    /// Counts the parts that were not executed by the thread that calls `run`.
    let finished = Signal()
    /// For each part the last job of which it was claimed.
    private let claims: UnsafeMutablePointer<bonn_counter>

    init(threads: Int, body: @escaping @Sendable (Int) -> Void) {
        self.body = body
        claims = .allocate(capacity: max(threads, 1))
        claims.initialize(repeating: bonn_counter(value: 0), count: max(threads, 1))
    }

    deinit { claims.deallocate() }

    /// Whether the calling thread is the one that executes this part. A job ends only when all its parts
    /// were claimed, so a thread that wakes up late finds them claimed for that job or a later one.
    func claim(_ part: Int, of job: UInt64) -> Bool {
        bonn_counter_raise(claims + part, job) != 0
    }
}

private final class Worker {
    let part: Int
    let shared: Shared

    init(part: Int, shared: Shared) {
        self.part = part
        self.shared = shared
    }

    func work() {
        var seen: UInt64 = 0
        while true {
            shared.started.wait { $0 != seen }
            seen = shared.started.value
            let parts = Int(seen & (1 << Shared.partBits - 1))
            if parts == 0 { return }
            if part < parts, shared.claim(part, of: seen >> Shared.partBits) {
                shared.body(part)
                shared.finished.advance()
            }
        }
    }
}

#if canImport(Darwin)
    private func workerMain(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        Unmanaged<Worker>.fromOpaque(context).takeRetainedValue().work()
        return nil
    }
#else
    private func workerMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        if let context { Unmanaged<Worker>.fromOpaque(context).takeRetainedValue().work() }
        return nil
    }
#endif
