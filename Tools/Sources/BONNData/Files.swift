import BONNFiles
import BONNModelFormat
import Foundation

/// What the data sets ask of the file system, with their errors.
package enum Files {
    /// Whether a path is a folder, or a link to one.
    package static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
            && isFolder.boolValue
    }

    /// Whether anything is at a path.
    package static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }

    /// How many bytes a file has; -1 where there is none.
    static func size(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : -1
    }

    /// More than any file of CIFAR or of the MNIST family has.
    private static let largestFile = 4 << 30

    /// The bytes of a file: a copy, which stays what it is whatever becomes of the file.
    ///
    /// - Parameters:
    ///   - beginning: How many of the first bytes `check` wants to see.
    ///   - check: Refuses a file by its beginning and its size, before memory is taken for all of it.
    package static func bytes(
        _ path: String, what: String, atMost limit: Int = largestFile, beginning: Int = 0,
        check: (_ beginning: [UInt8], _ size: Int) throws(DataError) -> Void = { _, _ in }
    ) throws(DataError) -> [UInt8] {
        try PlainFile.contents(
            of: path, beginning: beginning, atMost: limit, failing: { failure($0, path, what) },
            check: check)
    }

    private static func failure(
        _ failure: PlainFile.Failure, _ path: String, _ what: String
    ) -> DataError {
        let path = printable(path)
        switch failure {
        case .missing: return DataError(.notFound, "\(path): no such file, expected \(what)")
        case .folder, .notPlain:
            return DataError(.unreadable, "\(path): \(failure.reason), expected \(what)")
        case .tooLarge:
            return DataError(.oversized, "\(path): \(failure.reason), expected \(what)")
        case .changed, .refused: return DataError(.unreadable, "\(path): \(failure.reason)")
        }
    }

    /// Creates a folder and those above it, unless it is there.
    package static func makeFolder(_ path: String) throws(DataError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw DataError(.unwritable, "\(path): cannot be created (\(reason(error)))")
        }
    }

    /// Writes a file that does not exist yet.
    static func write(_ bytes: [UInt8], _ path: String) throws(DataError) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw DataError(.unwritable, path, "cannot be written") }
        let reason = writeAll(bytes, to: file)
        // A file system of a network may say only at the end what it could not write.
        guard close(file) == 0 || errno == EINTR || reason != nil else {
            throw DataError(.unwritable, path, "cannot be written")
        }
        if let reason { throw DataError(.unwritable, path, "cannot be written", reason) }
    }

    /// What the system said, in one line.
    package static func reason(_ error: any Error) -> String {
        if let posix = (error as NSError).userInfo[NSUnderlyingErrorKey] as? POSIXError {
            return String(cString: strerror(posix.code.rawValue))
        }
        return error.localizedDescription.split(separator: "\n").joined(separator: " ")
    }
}

extension String {
    /// This path with one more component.
    package func appending(component: String) -> String {
        hasSuffix("/") ? self + component : self + "/" + component
    }
}

/// A number with separators between thousands, for messages.
package func grouped(_ number: Int) -> String {
    var text = ""
    for (position, digit) in String(number).reversed().enumerated() {
        if position > 0 && position % 3 == 0 && digit != "-" { text.append(",") }
        text.append(digit)
    }
    return String(text.reversed())
}
