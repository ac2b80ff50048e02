package import BONNModelFormat
import Foundation

/// What is in a folder, without hidden entries, sorted by the bytes of the names, so that the order is
/// the same for every locale, file system and machine.
///
/// Nothing is passed over in silence: an entry whose name is no UTF-8, or that cannot be looked up, is an
/// error that names it. A class that is not seen is a class that the network does not know.
package struct FolderListing {
    /// One entry.
    package struct Entry {
        /// Its name.
        package let name: Name
        /// What it is, links followed.
        package let kind: Kind
    }

    /// What an entry is.
    package enum Kind {
        case file, folder
        /// A pipe, a socket, a device.
        case other
        /// A link to nothing, or round in a circle.
        case danglingLink
    }

    /// The entries in order.
    package let entries: [Entry]

    /// The names of the folders.
    package var folders: [Name] { entries.filter { $0.kind == .folder }.map(\.name) }

    /// Lists a folder.
    ///
    /// - Parameter allowsDanglingLinks: whether those are left for the caller to judge.
    /// - Throws: `.unreadable` or `.badName`.
    package init(_ folder: String, allowsDanglingLinks: Bool = false) throws(DataError) {
        guard let stream = opendir(folder) else {
            throw DataError(
                .unreadable, "\(printable(folder)): cannot be listed (\(Self.reason()))")
        }
        defer { closedir(stream) }
        var entries: [Entry] = []
        while let entry = try Self.next(stream, folder) {
            let bytes = Self.name(of: entry)
            guard bytes.first != UInt8(ascii: ".") else { continue }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw DataError(
                    .badName,
                    "\(printable(folder)): an entry has the name '\(Self.escaped(bytes))', whose bytes "
                        + "are not UTF-8; rename it")
            }
            let kind = try Self.kind(entry, folder.appending(component: text))
            guard kind != .danglingLink || allowsDanglingLinks else {
                throw DataError(
                    .unreadable,
                    "\(printable(folder.appending(component: text))): is a link that leads nowhere; "
                        + "remove it or mend what it points to")
            }
            entries.append(Entry(name: Name(text), kind: kind))
        }
        self.entries = entries.sorted { $0.name < $1.name }
    }

    private static func next(
        _ stream: OpaquePointer, _ folder: String
    ) throws(DataError) -> UnsafeMutablePointer<dirent>? {
        errno = 0
        if let entry = readdir(stream) { return entry }
        guard errno == 0 else {
            throw DataError(.unreadable, "\(printable(folder)): cannot be listed (\(reason()))")
        }
        return nil
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
        withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            // The name ends with a zero inside of the record, whatever the declared size of the array.
            let start = UnsafeRawPointer(pointer).assumingMemoryBound(to: UInt8.self)
            var count = 0
            while start[count] != 0 { count += 1 }
            return Array(UnsafeBufferPointer(start: start, count: count))
        }
    }

    private static func kind(
        _ entry: UnsafeMutablePointer<dirent>, _ path: String
    ) throws(DataError) -> Kind {
        switch Int32(entry.pointee.d_type) {
        case Int32(DT_DIR): return .folder
        case Int32(DT_REG): return .file
        case Int32(DT_LNK), Int32(DT_UNKNOWN): break
        default: return .other
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ELOOP { return .danglingLink }
            throw DataError(
                .unreadable,
                "\(printable(path)): cannot be looked up (\(reason())); mend or remove it")
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return .folder
        case S_IFREG: return .file
        default: return .other
        }
    }

    /// Bytes as a person can type them: those that are not ASCII as `\ooo`, as `ls -b` shows them.
    private static func escaped(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            if (0x20..<0x7F).contains(byte) { return String(Unicode.Scalar(byte)) }
            let digits = String(byte, radix: 8)
            return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
        }.joined()
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
