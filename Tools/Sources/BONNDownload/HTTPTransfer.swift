import BONNData
import BONNModelFormat
import Dispatch
import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Receives one file and judges everything that the server says. The first thing that is wrong
/// ends it; what comes afterwards is not looked at.
final class HTTPTransfer: NSObject, URLSessionDataDelegate, Sendable {
    private static let mostRedirects = 10

    private let address: String
    private let file: PartialFile
    private let size: Int
    private let offset: Int
    private let over = DispatchSemaphore(value: 0)
    private let state: Mutex<State>

    private struct State {
        /// Bytes of the file that are written.
        var received: Int
        var hasBegun = false
        var redirects = 0
        var isParked = false
        /// Whether the file is complete.
        var outcome: Result<Bool, DataError>?
    }

    init(_ address: String, to file: PartialFile, from offset: Int, size: Int) {
        self.address = address
        self.file = file
        self.size = size
        self.offset = offset
        state = Mutex(State(received: offset))
    }

    /// What asks for a file, or the rest of it.
    static func request(_ url: URL, from offset: Int) -> URLRequest {
        var request = URLRequest(url: url)
        // Lengths and ranges count what is sent, so nothing may be compressed on the way.
        request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
        if offset > 0 { request.setValue("bytes=\(offset)-", forHTTPHeaderField: "Range") }
        return request
    }

    // MARK: For the thread that waits

    var received: Int { state.withLock { $0.received } }
    /// Whether the session must not be touched any more.
    var isParked: Bool { state.withLock { $0.isParked } }

    /// Waits for the end, for a while.
    func isOver(within time: DispatchTimeInterval) -> Bool {
        over.wait(timeout: .now() + time) == .success
    }

    /// Ends the transfer, unless it has ended.
    func fail(_ what: String) {
        state.withLock { fail(what, &$0) }
    }

    /// Whether the file is complete; to be asked once it is over.
    func result() throws(DataError) -> Bool {
        // Over without an outcome cannot be.
        try state.withLock { $0.outcome ?? .success(false) }.get()
    }

    // MARK: For the session

    func urlSession(
        _ session: URLSession, task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
        completionHandler: @escaping (URLRequest?) -> Void
    ) {
        let from = task.currentRequest?.url?.scheme?.lowercased()
        let to = request.url?.scheme?.lowercased() ?? ""
        let isFollowed = state.withLock { state in
            state.redirects += 1
            let target = printable(request.url?.absoluteString ?? "nowhere", limit: 200)
            if state.redirects > Self.mostRedirects {
                fail("redirects more than \(Self.mostRedirects) times, last to \(target)", &state)
            } else if to != "https" && (to != "http" || from == "https") {
                fail("redirects to \(target), which is not safe to follow", &state)
            }
            return state.outcome == nil
        }
        guard isFollowed, let url = request.url else { return completionHandler(nil) }
        completionHandler(Self.request(url, from: offset))
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        let isAccepted = state.withLock { state in
            #if canImport(FoundationNetworking)
                state.isParked = Self.isTrap(response)
            #endif
            begin(response, &state)
            return state.outcome == nil
        }
        if isParked {
            Self.hasParked.store(true, ordering: .sequentiallyConsistent)
            DispatchSemaphore(value: 0).wait()
        }
        completionHandler(isAccepted ? .allow : .cancel)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        state.withLock { state in
            guard state.outcome == nil, state.hasBegun else { return }
            guard data.count <= size - state.received else {
                file.remove()
                state.received = 0
                return fail("sends more than the \(grouped(size)) bytes of the archive", &state)
            }
            do throws(DataError) {
                try file.write(data, at: state.received)
                state.received += data.count
            } catch {
                end(.failure(error), &state)
            }
        }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
    ) {
        state.withLock { state in
            if let error {
                fail("the transfer failed (\(printable(Files.reason(error))))", &state)
            } else if !state.hasBegun, let response = task.response {
                // A redirect that leads nowhere is told at its end only.
                begin(response, &state)
            }
            if state.received < size {
                fail("ended after \(grouped(state.received)) of \(grouped(size)) bytes", &state)
            }
            end(.success(true), &state)
        }
    }

    /// Whether a transfer was parked, and with it all that this process could still ask for.
    static let hasParked = Atomic(false)

    /// Whether the end of this response must never come: Foundation on Linux ends the process where
    /// a server asks for a password and names no realm ("Negotiate", say). So the thread of the
    /// network stays before that end.
    private static func isTrap(_ response: URLResponse) -> Bool {
        guard let http = response as? HTTPURLResponse, http.statusCode == 401,
            let challenge = http.value(forHTTPHeaderField: "WWW-Authenticate")
        else { return false }
        return !challenge.contains("realm=")
    }

    // MARK: Judgement

    private func begin(_ response: URLResponse, _ state: inout State) {
        guard state.outcome == nil else { return }
        let http = response as? HTTPURLResponse
        let status = http?.statusCode ?? 0
        if offset > 0, status == 416 || (status == 206 && !isRest(http)) {
            return end(.success(false), &state)
        }
        guard status == 200 || (status == 206 && offset > 0) else {
            return fail("the server answered \(status), expected 200 (OK)", &state)
        }
        let start = status == 206 ? offset : 0
        let length = response.expectedContentLength
        guard length < 0 || length == Int64(size - start) else {
            let kind = response.mimeType.map { " of \(printable($0, limit: 60))" } ?? ""
            return fail(
                "sends \(grouped(Int(length))) bytes\(kind), expected \(grouped(size - start))",
                &state)
        }
        do throws(DataError) {
            if start == 0 { try file.truncate() }
            state.received = start
            state.hasBegun = true
        } catch {
            end(.failure(error), &state)
        }
    }

    /// Whether a part is what was asked for, of a file of the right length.
    private func isRest(_ response: HTTPURLResponse?) -> Bool {
        response?.value(forHTTPHeaderField: "Content-Range")
            == "bytes \(offset)-\(size - 1)/\(size)"
    }

    private func fail(_ what: String, _ state: inout State) {
        let kept =
            state.received > 0 ? "; what came so far is kept, try again to go on from there" : ""
        end(.failure(DataError(.network, "\(address): \(what)\(kept)")), &state)
    }

    private func end(_ outcome: Result<Bool, DataError>, _ state: inout State) {
        guard state.outcome == nil else { return }
        state.outcome = outcome
        over.signal()
    }
}
