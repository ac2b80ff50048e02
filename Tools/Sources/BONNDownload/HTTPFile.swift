import BONNData
import BONNModelFormat
import Foundation

/// How slow a server may be before it is given up: this many bytes in this time.
struct Patience {
    var bytes = 60_000
    var time = Duration.seconds(60)
}

/// A file of known length on a web server.
struct HTTPFile {
    private static let mostRedirects = 10

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
        guard var url = URL(string: address), Self.isOfWeb(url), url.host?.isEmpty == false else {
            throw DataError(
                .network, "\(printable(address)): is not an http or https address")
        }
        var transfer = HTTPTransfer(
            printable(address), to: file, from: offset, size: size, patience: patience)
        for _ in 0...Self.mostRedirects {
            switch try transfer.run(url, progress) {
            case .complete: return true
            case .notTheRest: return false
            case .redirect(let location):
                let target = URL(string: location, relativeTo: url)?.absoluteURL
                guard let target, Self.isOfWeb(target),
                    target.scheme?.lowercased() == "https" || url.scheme?.lowercased() == "http"
                else {
                    throw transfer.failure(
                        "redirects to \(printable(target?.absoluteString ?? location, limit: 200)), "
                            + "which is not safe to follow")
                }
                url = target
            }
        }
        throw transfer.failure(
            "redirects more than \(Self.mostRedirects) times, last to "
                + printable(url.absoluteString, limit: 200))
    }

    private static func isOfWeb(_ url: URL) -> Bool {
        ["http", "https"].contains(url.scheme?.lowercased() ?? "")
    }
}
