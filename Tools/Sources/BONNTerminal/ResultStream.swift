import BONNFiles
import Foundation

/// Lines of results that did not arrive.
public struct OutputLost: Error, Equatable, CustomStringConvertible {
    /// The `errno` of the first write that failed.
    public let code: CInt

    /// Whether the reader went away, as `head` does when it has read enough: nobody to complain to.
    public var isClosedPipe: Bool { code == EPIPE }

    /// One line for a person.
    public var description: String {
        "standard output cannot be written: \(String(cString: strerror(code)))"
    }
}

/// Standard output: what was lost once is remembered, and nothing is written behind a gap.
final class ResultStream: @unchecked Sendable {
    static let standard = ResultStream(STDOUT_FILENO)

    private let descriptor: CInt
    private let lock = NSLock()
    private var loss: OutputLost?
    private var lostLines = 0

    init(_ descriptor: CInt) { self.descriptor = descriptor }

    /// Writes text.
    func write(_ text: String) throws(OutputLost) {
        lock.lock()
        defer { lock.unlock() }
        if loss == nil, let code = writeAll(text.utf8, to: descriptor) {
            loss = OutputLost(code: code)
        }
        if let loss {
            lostLines += 1
            throw loss
        }
    }

    /// Learns of errors that the system reports late, as file systems of a network do; ends the stream.
    func finish() throws(OutputLost) {
        lock.lock()
        defer { lock.unlock() }
        if loss == nil {
            // Closing a copy reports them and leaves the number 1 taken.
            let copy = dup(descriptor)
            if copy >= 0, close(copy) != 0, errno != EINTR { loss = OutputLost(code: errno) }
        }
        if let loss { throw loss }
    }

    /// The first loss and how many writes it cost; none from here on, so that it is told of once.
    func takeLoss() -> (loss: OutputLost, writes: Int)? {
        lock.lock()
        defer { lock.unlock() }
        defer { loss = nil }
        return loss.map { ($0, lostLines) }
    }
}
