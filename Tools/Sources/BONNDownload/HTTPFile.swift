import BONNData
import BONNModelFormat
import Dispatch
import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// How slow a server may be before it is given up: this many bytes in this time.
struct Patience {
    var bytes = 60_000
    var time = Duration.seconds(60)
}

/// A file of known length on a web server.
struct HTTPFile {
    let address: String
    private let size: Int
    private let patience: Patience

    init(_ address: String, size: Int, patience: Patience) {
        self.address = address
        self.size = size
        self.patience = patience
    }

    /// Writes the file, or the rest of it. What was written before a failure stays, unless it
    /// cannot be of this file.
    ///
    /// - Parameter offset: Where the rest begins. A server that sends the whole all the same may.
    /// - Returns: Whether the file is complete; false where the server does not go on from `offset`.
    func fetch(
        to file: PartialFile, from offset: Int, _ progress: (_ received: Int, _ total: Int) -> Void
    ) throws(DataError) -> Bool {
        let shown = printable(address)
        guard let url = URL(string: address), ["http", "https"].contains(url.scheme ?? ""),
            url.host?.isEmpty == false
        else {
            throw DataError(.network, "\(shown): is not an http or https address")
        }
        guard !HTTPTransfer.hasParked.load(ordering: .sequentiallyConsistent) else {
            throw DataError(
                .network,
                "\(shown): cannot be asked for, as a server asked this process for a password; start "
                    + "the program again")
        }
        let transfer = HTTPTransfer(shown, to: file, from: offset, size: size)
        let session = URLSession(
            configuration: configuration, delegate: transfer, delegateQueue: InlineQueue())
        let task = session.dataTask(with: HTTPTransfer.request(url, from: offset))
        task.resume()
        let clock = ContinuousClock()
        var mark = (time: clock.now, bytes: offset)
        while !transfer.isOver(within: .milliseconds(100)) {
            let received = transfer.received
            progress(received, size)
            if received - mark.bytes >= patience.bytes {
                mark = (clock.now, received)
            } else if clock.now - mark.time > patience.time {
                transfer.fail(
                    "sent \(grouped(received - mark.bytes)) bytes in \(patience.time), "
                        + "expected \(grouped(patience.bytes)) at least")
            }
        }
        // Not waited for: a server that floods the network thread keeps it from its other work.
        if !transfer.isParked { Thread.detachNewThread { session.invalidateAndCancel() } }
        return try transfer.result()
    }

    private var configuration: URLSessionConfiguration {
        let configuration = URLSessionConfiguration.ephemeral
        // A cache would keep the archive in memory.
        configuration.urlCache = nil
        configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
        configuration.urlCredentialStorage = nil
        configuration.httpCookieStorage = nil
        configuration.httpShouldSetCookies = false
        // Only a second line: the patience ends first.
        configuration.timeoutIntervalForRequest =
            TimeInterval(patience.time.components.seconds) + 60
        return configuration
    }
}

/// Runs a block where it is handed over, that is, on the thread that reads from the network: it
/// reads on when the bytes are written, and none pile up in memory.
private final class InlineQueue: OperationQueue, @unchecked Sendable {
    override func addOperation(_ block: @escaping @Sendable () -> Void) { block() }
}
