import BONNData
import BONNModelFormat
import Foundation

/// Receives one file and judges everything that the server says. The first thing that is wrong
/// ends it; what comes afterwards is not looked at.
///
/// The asking is done by the `curl` of the system, in a process of its own. Foundation on Linux keeps
/// what comes with a redirect in memory and cannot be stopped while it comes, and ends the process where
/// a server asks for a password in a way that it does not know.
struct HTTPTransfer {
    /// How one request ended.
    enum Outcome {
        case complete
        /// The server does not go on from where the file ends.
        case notTheRest
        /// The file is elsewhere.
        case redirect(String)
    }

    private let address: String
    private let file: PartialFile
    private let size: Int
    private let offset: Int
    private let patience: Patience
    /// Bytes of the file that are written.
    private var received: Int
    /// When so much was there for the first time that the server need not hurry.
    private var mark: (time: ContinuousClock.Instant, bytes: Int)

    /// Prepares for as many requests as it takes; all of them share the patience.
    init(
        _ address: String, to file: PartialFile, from offset: Int, size: Int, patience: Patience
    ) {
        self.address = address
        self.file = file
        self.size = size
        self.offset = offset
        self.patience = patience
        received = offset
        mark = (.now, offset)
    }

    /// What is wrong, and whether anything is kept.
    func failure(_ what: String) -> DataError {
        let kept = received > 0 ? "; what came so far is kept, try again to go on from there" : ""
        return DataError(.network, "\(address): \(what)\(kept)")
    }

    /// Asks for the file, or the rest of it, and writes what comes.
    mutating func run(
        _ url: URL, _ progress: (_ received: Int, _ total: Int) -> Void
    ) throws(DataError) -> Outcome {
        let program = try SystemProgram(
            "curl", arguments(url), purpose: "to download \(address)")
        // Whatever the server would still say.
        defer { program.stop() }
        var reader = HTTPHeadReader()
        var hasBegun = false
        var shown = ContinuousClock.now
        while true {
            switch program.next(within: 100) {
            case .nothing: break
            case .over: return try end(program, hasBegun: hasBegun)
            case .bytes(let bytes) where hasBegun: try write(bytes[...])
            case .bytes(let bytes):
                switch reader.read(bytes) {
                case .incomplete: break
                case .none: throw failure("sends what is no answer of a web server")
                case .complete(let head, let body):
                    if let outcome = try begin(head) { return outcome }
                    hasBegun = true
                    try write(body)
                }
            }
            try wait()
            if .now - shown > .milliseconds(100) {
                shown = .now
                progress(received, size)
            }
        }
    }

    private func arguments(_ url: URL) -> [String] {
        [
            // No file of the user's says otherwise; it has to be the first.
            "--disable", "--silent", "--show-error", "--globoff", "--proto", "=http,https",
            "--include", "--suppress-connect-headers",
            // Lengths and ranges count what is sent, so nothing may be compressed on the way.
            "--header", "Accept-Encoding: identity",
        ] + (offset > 0 ? ["--range", "\(offset)-"] : []) + ["--url", url.absoluteString]
    }

    private mutating func wait() throws(DataError) {
        let now = ContinuousClock.now
        if received - mark.bytes >= patience.bytes {
            mark = (now, received)
        } else if now - mark.time > patience.time {
            throw failure(
                "sent \(grouped(received - mark.bytes)) bytes in \(patience.time), "
                    + "expected \(grouped(patience.bytes)) at least")
        }
    }

    // MARK: Judgement

    /// Judges an answer; nil where its body is of the file.
    private mutating func begin(_ head: HTTPHead) throws(DataError) -> Outcome? {
        if let location = head.redirection { return .redirect(location) }
        let isRest = head["Content-Range"] == "bytes \(offset)-\(size - 1)/\(size)"
        if offset > 0, head.status == 416 || (head.status == 206 && !isRest) {
            return .notTheRest
        }
        guard head.status == 200 || (head.status == 206 && offset > 0) else {
            throw failure("the server answered \(head.status), expected 200 (OK)")
        }
        let start = head.status == 206 ? offset : 0
        guard head.length == nil || head.length == size - start else {
            let kind = head["Content-Type"].map { " of \(printable($0, limit: 60))" } ?? ""
            throw failure(
                "sends \(grouped(head.length ?? 0)) bytes\(kind), expected \(grouped(size - start))"
            )
        }
        if start == 0 { try file.truncate() }
        received = start
        mark.bytes = min(mark.bytes, start)
        return nil
    }

    private mutating func write(_ bytes: ArraySlice<UInt8>) throws(DataError) {
        guard bytes.count <= size - received else {
            file.remove()
            received = 0
            throw failure("sends more than the \(grouped(size)) bytes of the archive")
        }
        try file.write(bytes, at: received)
        received += bytes.count
    }

    private func end(_ program: SystemProgram, hasBegun: Bool) throws(DataError) -> Outcome {
        if let complaint = try program.failure() {
            // It says its name and a number first.
            let reason = complaint.split(separator: ") ", maxSplits: 1).last ?? complaint[...]
            throw failure("the transfer failed (\(printable(String(reason), limit: 300)))")
        }
        guard hasBegun, received == size else {
            throw failure("ended after \(grouped(received)) of \(grouped(size)) bytes")
        }
        return .complete
    }
}
