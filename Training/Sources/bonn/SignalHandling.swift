import BONNTrainer
import Dispatch
import Foundation

/// Turns SIGINT and SIGTERM into a stop request; a second one ends the process at once.
final class SignalHandling {
    private let sources: [any DispatchSourceSignal]

    init(_ stop: StopRequest) {
        let queue = DispatchQueue(label: "bonn-signals")
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                if stop.isRequested {
                    signal(number, SIG_DFL)
                    raise(number)
                }
                Terminal.note("\nStopping after this step; once more to stop at once.")
                stop.request(signal: number)
            }
            source.resume()
            return source
        }
    }

    deinit { sources.forEach { $0.cancel() } }
}
