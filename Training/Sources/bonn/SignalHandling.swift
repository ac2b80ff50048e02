import BONNTrainer
import Foundation

/// Turns SIGINT, SIGTERM and SIGHUP into a stop request; a second one ends the process at once.
///
/// There is one at a time. The signals' handler is a plain one of the system, so that none is lost, even
/// one that comes while the handling begins.
final class SignalHandling {
    /// What the handler reads; set before it can run. It calls nothing that a handler may not call.
    nonisolated(unsafe) private static var request: Unmanaged<StopRequest>?
    /// SIGHUP where it is handled; SIGTERM, once more, where it is not.
    nonisolated(unsafe) private static var hangUp = SIGTERM

    init(_ stop: StopRequest) {
        Self.request = Unmanaged.passRetained(stop)
        Self.hangUp = Self.isIgnored(SIGHUP) ? SIGTERM : SIGHUP
        var action = sigaction()
        Self.setHandler(of: &action) { number in
            let reason = errno
            // The next one, whichever it is, ends the process.
            signal(SIGINT, SIG_DFL)
            signal(SIGTERM, SIG_DFL)
            signal(SignalHandling.hangUp, SIG_DFL)
            SignalHandling.request?.takeUnretainedValue().request(signal: number)
            // Below the progress bar.
            let text: StaticString = "\nStopping after this step; once more to stop at once.\n"
            _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
            errno = reason
        }
        action.sa_flags = SA_RESTART
        // Whoever started the program may have left them blocked, as threads of a library are.
        var numbers = sigset_t()
        sigemptyset(&numbers)
        for number in [SIGINT, SIGTERM, Self.hangUp] {
            sigaction(number, &action, nil)
            sigaddset(&numbers, number)
        }
        pthread_sigmask(SIG_UNBLOCK, &numbers, nil)
    }

    deinit {
        for number in [SIGINT, SIGTERM, Self.hangUp] { signal(number, SIG_DFL) }
        Self.request?.release()
        Self.request = nil
    }

    /// Whether whoever started the program wants it to outlive its terminal, as `nohup` does.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        #if canImport(Darwin)
            let handler = action.__sigaction_u.__sa_handler
        #else
            let handler = action.__sigaction_handler.sa_handler
        #endif
        // SIG_IGN, which C makes of the number 1.
        return handler.map { unsafeBitCast($0, to: Int.self) } == 1
    }

    private static func setHandler(
        of action: inout sigaction, _ handler: @escaping @convention(c) (Int32) -> Void
    ) {
        #if canImport(Darwin)
            action.__sigaction_u.__sa_handler = handler
        #else
            action.__sigaction_handler.sa_handler = handler
        #endif
    }
}
