import BONNFiles
import Foundation

/// Reads a whole image file; `check` sees its first bytes before the rest is read.
func readFile(
    path: String, atMost limit: Int, check: (ArraySlice<UInt8>) throws(ImageIOError) -> Void
) throws(ImageIOError) -> [UInt8] {
    try PlainFile.contents(
        of: path, beginning: ImageFormat.beginning, atMost: limit,
        failing: { ImageIOError($0, path: path) }
    ) { (beginning, _) throws(ImageIOError) in try check(beginning[...]) }
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
        guard let part = readPiece(STDIN_FILENO) else { throw unreadable(name) }
        if part.isEmpty { return bytes }
        bytes += part
    }
}

private func unreadable(_ path: String) -> ImageIOError {
    ImageIOError(
        .unreadable, path: path, reason: "cannot be read: \(String(cString: strerror(errno)))")
}
