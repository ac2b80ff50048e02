import Foundation

/// Files read whole, and files replaced so that no reader ever sees half of one.
public enum File {
    /// The bytes of a file, or the first of them.
    ///
    /// - Throws: `.file` with the path and the system's reason.
    static func bytes(
        of path: String, atMost limit: Int = .max
    ) throws(TrainingError) -> [UInt8] {
        // Not blocking: a pipe would wait for a writer before it could be refused.
        let descriptor = retrying { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        guard descriptor >= 0 else { throw failure(path, "cannot open", errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw failure(path, "cannot read", errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw notAFile(path) }
        var bytes = [UInt8](repeating: 0, count: min(limit, Int(status.st_size)))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
            }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { throw failure(path, "cannot read", errno) }
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    /// Creates a folder and those above it; one that exists already is fine.
    ///
    /// - Returns: whether the folder itself was created by this call.
    /// - Throws: `.file` with the path and the system's reason.
    @discardableResult
    static func createFolder(_ path: String) throws(TrainingError) -> Bool {
        var partial = path.hasPrefix("/") ? "/" : ""
        var isNew = false
        for part in path.split(separator: "/") {
            partial += part + "/"
            isNew = retrying { mkdir(partial, 0o755) } == 0
            if !isNew && errno != EEXIST {
                throw failure(path, "cannot create the folder", errno)
            }
        }
        guard isFolder(path) else {
            throw TrainingError(.file, "\(path): expected a folder, found a file")
        }
        return isNew
    }

    /// Whether something exists at the path.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Whether a folder is at the path.
    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Calls again what a signal interrupted; -1 is a failure with a reason in `errno`.
    static func retrying(_ call: () -> Int32) -> Int32 {
        while true {
            let result = call()
            if result != -1 || errno != EINTR { return result }
        }
    }

    /// Whether the file at a path is the one behind a descriptor, and not another one by now.
    static func isStill(_ descriptor: Int32, at path: String) -> Bool {
        var opened = stat()
        var found = stat()
        return fstat(descriptor, &opened) == 0 && lstat(path, &found) == 0
            && opened.st_ino == found.st_ino && opened.st_dev == found.st_dev
    }

    static func notAFile(_ path: String) -> TrainingError {
        TrainingError(.file, "\(path): expected a file, found something else")
    }

    static func failure(_ path: String, _ what: String, _ reason: Int32) -> TrainingError {
        let text = String(cString: strerror(reason))
        if reason == ENOSPC || reason == EDQUOT {
            return TrainingError(
                .diskFull,
                "\(path): \(what): the disk is full (\(text)); what was saved before is kept")
        }
        return TrainingError(.file, "\(path): \(what): \(text)")
    }
}
