import BONNTerminal
import BONNTrainer
import Dispatch
import Foundation

/// Turns SIGINT, SIGTERM and SIGHUP into a stop request; a second one ends the process at once.
final class SignalHandling {
    private let sources: [any DispatchSourceSignal]

    init(_ stop: StopRequest) {
        let queue = DispatchQueue(label: "bonn-signals")
        sources = [SIGINT, SIGTERM, SIGHUP].filter { !Self.isLeftAlone($0) }.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                if stop.isRequested {
                    signal(number, SIG_DFL)
                    raise(number)
                }
                Terminal.note("Stopping after this step; once more to stop at once.")
                stop.request(signal: number)
            }
            source.resume()
            return source
        }
    }

    deinit { sources.forEach { $0.cancel() } }

    /// Whether whoever started the program wants it to outlive its terminal, as `nohup` does.
    private static func isLeftAlone(_ number: Int32) -> Bool {
        guard number == SIGHUP else { return false }
        var action = sigaction()
        sigaction(number, nil, &action)
        #if canImport(Darwin)
            return action.__sigaction_u.__sa_handler.map { unsafeBitCast($0, to: Int.self) } == 1
        #else
            return action.__sigaction_handler.sa_handler.map { unsafeBitCast($0, to: Int.self) }
                == 1
        #endif
    }
}
