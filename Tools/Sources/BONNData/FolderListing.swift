package import BONNModelFormat
import Foundation

/// What is in a folder, without hidden entries, sorted by the bytes of the names, so that the order is
/// the same for every locale, file system and machine.
///
/// Nothing is passed over in silence: an entry whose name is not UTF-8, or that cannot be looked up, is
/// an error that names it. A class that is not seen is a class that the network does not know.
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

    /// The entries in order, without those that are faults.
    package let entries: [Entry]
    /// An error for each entry that cannot be taken as it is. Whoever needs to know all of the folder
    /// throws the first; whoever looks for some names in it need not.
    package let faults: [DataError]

    /// The names of the folders.
    package var folders: [Name] { entries.filter { $0.kind == .folder }.map(\.name) }

    /// Lists a folder of which all entries count.
    ///
    /// - Parameter allowsDanglingLinks: whether those are left for the caller to judge.
    /// - Throws: `.unreadable` or `.badName`.
    package init(all folder: String, allowsDanglingLinks: Bool = false) throws(DataError) {
        try self.init(folder, allowsDanglingLinks: allowsDanglingLinks)
        if let fault = faults.first { throw fault }
    }

    /// Lists a folder of which some entries count.
    ///
    /// - Throws: `.unreadable` where the folder cannot be listed.
    package init(_ folder: String, allowsDanglingLinks: Bool = false) throws(DataError) {
        let stream = try Self.open(folder)
        defer { closedir(stream) }
        var entries: [Entry] = []
        var faults: [(bytes: [UInt8], error: DataError)] = []
        while let entry = try Self.next(stream, folder) {
            let bytes = Self.name(of: entry)
            guard bytes.first != UInt8(ascii: ".") else { continue }
            do throws(DataError) {
                entries.append(
                    try Self.entry(entry, bytes, in: folder, allowsDanglingLinks))
            } catch {
                faults.append((bytes, error))
            }
        }
        self.entries = entries.sorted { $0.name < $1.name }
        self.faults = faults.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }.map(\.error)
    }

    /// The name of anything in a folder, hidden or not, as it may be shown; nil for an empty one.
    ///
    /// - Throws: `.unreadable` where the folder cannot be listed.
    static func anyName(in folder: String) throws(DataError) -> String? {
        let stream = try open(folder)
        defer { closedir(stream) }
        while let entry = try next(stream, folder) {
            let bytes = name(of: entry)
            if bytes != Array(".".utf8) && bytes != Array("..".utf8) {
                return String(validating: bytes, as: UTF8.self).map { printable($0) }
                    ?? escaped(bytes)
            }
        }
        return nil
    }

    private static func open(_ folder: String) throws(DataError) -> OpaquePointer {
        guard let stream = opendir(folder) else {
            throw DataError(.unreadable, folder, "cannot be listed")
        }
        return stream
    }

    private static func entry(
        _ entry: UnsafeMutablePointer<dirent>, _ bytes: [UInt8], in folder: String,
        _ allowsDanglingLinks: Bool
    ) throws(DataError) -> Entry {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DataError(
                .badName,
                "\(printable(folder)): an entry has the name '\(escaped(bytes))', whose bytes are not "
                    + "UTF-8; rename it")
        }
        let path = folder.appending(component: text)
        let kind = try kind(entry, path)
        guard kind != .danglingLink || allowsDanglingLinks else {
            throw DataError(
                .unreadable,
                "\(printable(path)): is a link that leads nowhere; remove it, or mend what it points to"
            )
        }
        return Entry(name: Name(text), kind: kind)
    }

    private static func next(
        _ stream: OpaquePointer, _ folder: String
    ) throws(DataError) -> UnsafeMutablePointer<dirent>? {
        errno = 0
        if let entry = readdir(stream) { return entry }
        guard errno == 0 else { throw DataError(.unreadable, folder, "cannot be listed") }
        return nil
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
        withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            // It ends with a zero in the record, whatever size the array is declared with.
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
        // Not every file system tells.
        case Int32(DT_LNK), Int32(DT_UNKNOWN): break
        default: return .other
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ELOOP { return .danglingLink }
            throw DataError(
                .unreadable,
                "\(printable(path)): cannot be looked up (\(String(cString: strerror(errno)))); mend "
                    + "or remove it")
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
}
