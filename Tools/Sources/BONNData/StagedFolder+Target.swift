import BONNModelFormat
import Foundation

extension StagedFolder {
    /// A path without slashes and dots at its end that change nothing.
    static func plain(_ path: String) -> String {
        var bytes = Array(path.utf8)
        while bytes.count > 1, bytes.last == slash || bytes.suffix(2).elementsEqual("/.".utf8) {
            bytes.removeLast()
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The folder above that of a plain path, if the path names one, and the last name.
    static func parts(_ path: String) -> (parent: String?, name: String) {
        // By bytes: a name may begin with a mark that joins the slash to one character.
        guard let end = path.utf8.lastIndex(of: slash) else { return (nil, path) }
        let name = String(path.utf8[path.utf8.index(after: end)...]) ?? ""
        return (plain(String(path.utf8[...end]) ?? ""), name)
    }

    private static let slash = UInt8(ascii: "/")

    /// Whether nothing is at a path yet; false for an empty folder, or a link to one.
    ///
    /// - Throws: `.unwritable` for all else: a folder with anything in it, hidden or not, a file, a
    ///   link to nothing.
    static func isNew(_ path: String) throws(DataError) -> Bool {
        guard !path.isEmpty else {
            throw refusal("the output folder", "has an empty name")
        }
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return true }
            throw refusal(path, "cannot be looked up (\(String(cString: strerror(errno))))")
        }
        let isLink = status.st_mode & S_IFMT == S_IFLNK
        guard stat(path, &status) == 0 else {
            throw refusal(path, "is a link that leads nowhere")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw refusal(path, isLink ? "is a link to something else" : "is not a folder")
        }
        let name: String?
        do throws(DataError) {
            name = try FolderListing.anyName(in: path)
        } catch {
            throw DataError(.unwritable, "\(error.message), expected a new or an empty folder")
        }
        if let name { throw refusal(path, "holds \(name)") }
        return false
    }

    /// Whether a path is new, or an empty folder.
    package static func canFill(_ folder: String) -> Bool {
        (try? isNew(plain(folder))) != nil
    }

    private static func refusal(_ path: String, _ what: String) -> DataError {
        DataError(.unwritable, "\(printable(path)): \(what), expected a new or an empty folder")
    }

    /// Makes a folder and those above it that are missing, and appends what it made.
    static func makeFolders(_ path: String, made: inout [String]) throws(DataError) {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
        if let parent = parts(path).parent, parent != path {
            try makeFolders(parent, made: &made)
        }
        if mkdir(path, 0o777) == 0 {
            made.append(path)
        } else if errno != EEXIST || stat(path, &status) != 0
            || status.st_mode & S_IFMT != S_IFDIR
        {
            let reason = errno
            removeFolders(made)
            throw DataError(.unwritable, path, "cannot be created", reason)
        }
    }

    /// Removes folders that are empty, the last one first.
    static func removeFolders(_ paths: [String]) {
        for path in paths.reversed() { rmdir(path) }
    }
}
