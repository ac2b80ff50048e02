import BONNFiles
import Foundation

/// Reads a whole image file; `check` sees its first bytes before the rest is read.
func readFile(
    path: String, atMost limit: Int, check: (ArraySlice<UInt8>) throws(ImageIOError) -> Void
) throws(ImageIOError) -> [UInt8] {
    func failing<T: ~Copyable>(
        _ body: () throws(PlainFile.Failure) -> T
    ) throws(ImageIOError) -> T {
        do throws(PlainFile.Failure) {
            return try body()
        } catch {
            throw ImageIOError(error, path: path)
        }
    }
    let file = try failing { () throws(PlainFile.Failure) in try PlainFile(path: path) }
    let beginning = try failing { () throws(PlainFile.Failure) in
        try file.beginning(ImageFormat.beginning)
    }
    try check(beginning[...])
    return try failing { () throws(PlainFile.Failure) in try file.contents(atMost: limit) }
}

extension ImageIOError {
    fileprivate init(_ failure: PlainFile.Failure, path: String) {
        switch failure {
        case .tooLarge: self.init(.tooLarge, path: path, reason: failure.reason)
        case .folder:
            self.init(.unreadable, path: path, reason: "is a folder, not an image file")
        default: self.init(.unreadable, path: path, reason: failure.reason)
        }
    }
}

/// The bytes of standard input, for an image that comes through a pipe.
///
/// - Parameter limit: Bytes; more are an error.
public func readStandardInput(atMost limit: Int) throws(ImageIOError) -> [UInt8] {
    let name = "standard input"
    var bytes: [UInt8] = []
    while true {
        guard bytes.count <= limit else {
            throw ImageIOError(
                .tooLarge, path: name, reason: "gives more than the \(limit) bytes that are allowed"
            )
        }
        var count = 0
        let part = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, initialized in
            repeat {
                count = read(STDIN_FILENO, buffer.baseAddress, 1 << 16)
            } while count < 0 && errno == EINTR
            initialized = max(0, count)
        }
        guard count >= 0 else { throw unreadable(name) }
        if count == 0 { return bytes }
        bytes += part
    }
}

private func unreadable(_ path: String) -> ImageIOError {
    ImageIOError(
        .unreadable, path: path, reason: "cannot be read: \(String(cString: strerror(errno)))")
}
