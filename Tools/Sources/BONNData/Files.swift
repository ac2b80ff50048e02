import BONNModelFormat
import Foundation

/// What the data sets ask of the file system, with their errors.
package enum Files {
    /// The names in a folder but for hidden ones, in the order of `FolderListing`.
    package static func names(in folder: String) throws(DataError) -> [String] {
        try FolderListing(folder).entries.map(\.name.text)
    }

    /// Whether one name sorts before another, by UTF-8 bytes.
    static func precedes(_ a: String, _ b: String) -> Bool {
        a.utf8.lexicographicallyPrecedes(b.utf8)
    }

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

    /// The bytes of a file, memory-mapped where that is safe.
    static func map(_ path: String, what: String) throws(DataError) -> Data {
        guard exists(path) else {
            throw DataError(.notFound, "\(path): no such file, expected \(what)")
        }
        guard !isFolder(path) else {
            throw DataError(.unreadable, "\(path): is a folder, expected \(what)")
        }
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        } catch {
            throw DataError(.unreadable, "\(path): cannot be read (\(reason(error)))")
        }
    }

    /// The names in a text file, one a line, whatever ends the lines; without the empty ones at its end.
    static func lines(_ path: String, what: String) throws(DataError) -> [String] {
        var bytes = try map(path, what: what)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        guard let text = String(data: Data(bytes), encoding: .utf8) else {
            throw DataError(.badClasses, "\(path): is not UTF-8 text, expected \(what)")
        }
        // A carriage return and a line feed are one Character: files are made of scalars.
        var lines = text.replacing("\r\n", with: "\n").unicodeScalars
            .split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r" }
            .map { String($0).trimmingCharacters(in: .whitespaces) }
        while lines.last?.isEmpty == true { lines.removeLast() }
        if let long = lines.first(where: { $0.utf8.count > FormatLimits.nameBytes }) {
            throw DataError(
                .badClasses,
                "\(path): expected class names of at most \(FormatLimits.nameBytes) bytes, found "
                    + "'\(printable(long, limit: 40))' of \(long.utf8.count)")
        }
        try ClassNames.check(lines, place: path)
        return lines
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
