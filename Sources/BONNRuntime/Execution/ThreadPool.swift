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
/// The thread that calls `run` executes part 0 and returns when all parts are done. Nothing is
/// allocated by `run`.
final class ThreadPool {
    private let shared: Shared
    private var threads: [pthread_t] = []
    private var jobs: UInt64 = 0

    /// Starts `count - 1` threads that execute `body(part)`.
    ///
    /// - Throws: `.threadsUnavailable`.
    init(count: Int, body: @escaping @Sendable (_ part: Int) -> Void) throws(RuntimeError) {
        shared = Shared(body: body)
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

    /// Executes `body(0)` ... `body(parts - 1)`, at most one a thread.
    func run(parts: Int) {
        precondition(parts <= threads.count + 1, "\(parts) parts need as many threads")
        if parts > 1 {
            let target = shared.finished.value + UInt64(parts - 1)
            publish(parts: parts)
            shared.body(0)
            shared.finished.wait { $0 == target }
        } else {
            shared.body(0)
        }
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
private final class Shared: Sendable {
    /// The low bits of `started` hold the number of parts of the job, 0 to end the threads. One
    /// atomic number tells both, so a thread without a part can never mix up two jobs.
    static let partBits: UInt64 = 16

    let body: @Sendable (Int) -> Void
    let started = Signal()
    let finished = Signal()

    init(body: @escaping @Sendable (Int) -> Void) { self.body = body }
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
            if part < parts {
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
