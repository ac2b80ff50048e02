import BONNImageIO
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
    static func bytes(
        _ path: String, what: String, atMost limit: Int = largestFile
    ) throws(DataError) -> [UInt8] {
        do throws(PlainFile.Failure) {
            return try PlainFile(path: path).contents(atMost: limit)
        } catch {
            let path = printable(path)
            switch error {
            case .missing: throw DataError(.notFound, "\(path): no such file, expected \(what)")
            case .folder, .notPlain:
                throw DataError(.unreadable, "\(path): \(error.reason), expected \(what)")
            case .tooLarge:
                throw DataError(.oversized, "\(path): \(error.reason), expected \(what)")
            case .changed, .refused:
                throw DataError(.unreadable, "\(path): \(error.reason)")
            }
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
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
        } catch {
            throw DataError(.unwritable, "\(path): cannot be written (\(reason(error)))")
        }
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
