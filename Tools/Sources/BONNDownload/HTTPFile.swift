import BONNData
import Dispatch
import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A file on a web server.
struct HTTPFile {
    private let address: String

    /// Seconds without a byte after which a transfer is given up.
    private static let patience: TimeInterval = 60

    init(_ address: String) {
        self.address = address
    }

    /// Writes the file to a path and returns its MD5 sum; what was written before a failure stays.
    func fetch(
        to path: String, progress: (_ received: Int, _ total: Int?) -> Void
    ) throws(DataError) -> String {
        guard let url = URL(string: address), ["http", "https"].contains(url.scheme ?? ""),
            url.host?.isEmpty == false
        else {
            throw DataError(.network, "\(address): is not an http or https address")
        }
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else {
            throw DataError(.unwritable, "\(path): cannot be created")
        }
        let transfer = Transfer(address, to: path, file)
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = Self.patience
        let session = URLSession(
            configuration: configuration, delegate: transfer, delegateQueue: nil)
        session.dataTask(with: url).resume()
        session.finishTasksAndInvalidate()
        while transfer.done.wait(timeout: .now() + .milliseconds(200)) == .timedOut {
            let (received, total) = transfer.progress
            progress(received, total)
        }
        return try transfer.result()
    }
}

/// Receives one file: writes it, sums it, and remembers the first thing that goes wrong.
private final class Transfer: NSObject, URLSessionDataDelegate, Sendable {
    let done = DispatchSemaphore(value: 0)
    private let address: String
    private let path: String
    private let state: Mutex<State>

    private struct State {
        let file: FileHandle
        var md5 = MD5()
        var received = 0
        var total: Int?
        var error: DataError?
    }

    init(_ address: String, to path: String, _ file: sending FileHandle) {
        self.address = address
        self.path = path
        state = Mutex(State(file: file))
    }

    var progress: (received: Int, total: Int?) {
        state.withLock { ($0.received, $0.total) }
    }

    /// The sum, once everything is there.
    func result() throws(DataError) -> String {
        let outcome: Result<String, DataError> = state.withLock { state in
            if let error = state.error { return .failure(error) }
            return .success(state.md5.finish())
        }
        return try outcome.get()
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        state.withLock { state in
            if status != 200 {
                state.error = DataError(
                    .network, "\(address): the server answered \(status), expected 200 (OK)")
            }
            let length = response.expectedContentLength
            state.total = length > 0 ? Int(length) : nil
        }
        completionHandler(status == 200 ? .allow : .cancel)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let isWritten = state.withLock { state in
            guard state.error == nil else { return false }
            do {
                try state.file.write(contentsOf: data)
            } catch {
                state.error = DataError(
                    .unwritable, "\(path): cannot be written (\(Files.reason(error)))")
                return false
            }
            data.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in state.md5.update(bytes) }
            state.received += data.count
            return true
        }
        if !isWritten { dataTask.cancel() }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
    ) {
        state.withLock { state in
            do {
                try state.file.close()
            } catch {
                state.error =
                    state.error
                    ?? DataError(.unwritable, "\(path): cannot be written (\(Files.reason(error)))")
            }
            if state.error == nil, let error {
                let sofar = state.received > 0 ? " after \(grouped(state.received)) bytes" : ""
                state.error = DataError(
                    .network, "\(address): the transfer failed\(sofar) (\(Files.reason(error)))")
            } else if state.error == nil, let total = state.total, total != state.received {
                state.error = DataError(
                    .network,
                    "\(address): ended after \(grouped(state.received)) of \(grouped(total)) bytes")
            }
        }
        done.signal()
    }
}
