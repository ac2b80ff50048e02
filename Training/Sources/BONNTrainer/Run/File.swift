import Foundation

/// Files read whole, and files replaced so that no reader ever sees half of one.
public enum File {
    /// The bytes of a file.
    ///
    /// - Throws: `.file` with the path and the system's reason.
    static func bytes(of path: String) throws(TrainingError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(.file, path, "cannot open", errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw failure(.file, path, "cannot read", errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw TrainingError(.file, "\(path): expected a file, found something else")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
            }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { throw failure(.file, path, "cannot read", errno) }
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    /// Replaces a file: writes a temporary one in the same folder, forces it to the disk, renames
    /// it over the old one and forces the folder to the disk. A failure or a kill at any instant
    /// leaves the old file whole.
    ///
    /// - Throws: `.diskFull` when the space ran out, `.file` for any other reason of the system.
    public static func replace(_ path: String, with bytes: [UInt8]) throws(TrainingError) {
        let temporary = path + ".tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure(.file, path, "cannot write", errno) }
        do throws(TrainingError) {
            try store(bytes, in: descriptor, path)
            guard fsync(descriptor) == 0 else { throw failure(.file, path, "cannot save", errno) }
        } catch {
            close(descriptor)
            unlink(temporary)
            throw error
        }
        guard close(descriptor) == 0, rename(temporary, path) == 0 else {
            let reason = errno
            unlink(temporary)
            throw failure(.file, path, "cannot save", reason)
        }
        synchronizeFolder(of: path)
    }

    /// Creates a folder and those above it; one that exists already is fine.
    ///
    /// - Throws: `.file` with the path and the system's reason.
    static func createFolder(_ path: String) throws(TrainingError) {
        var partial = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            partial += part + "/"
            if mkdir(partial, 0o755) != 0 && errno != EEXIST {
                throw failure(.file, path, "cannot create the folder", errno)
            }
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw TrainingError(.file, "\(path): expected a folder, found a file")
        }
    }

    /// Whether something exists at the path.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func store(
        _ bytes: [UInt8], in descriptor: Int32, _ path: String
    ) throws(TrainingError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                write(descriptor, buffer.baseAddress! + written, buffer.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failure(.file, path, "cannot write", errno) }
            written += count
        }
    }

    /// Some file systems cannot synchronise a folder; the rename is atomic all the same.
    private static func synchronizeFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func failure(
        _ code: TrainingError.Code, _ path: String, _ what: String, _ reason: Int32
    ) -> TrainingError {
        let text = String(cString: strerror(reason))
        if reason == ENOSPC || reason == EDQUOT {
            return TrainingError(
                .diskFull,
                "\(path): \(what): the disk is full (\(text)); what was saved before is kept")
        }
        return TrainingError(code, "\(path): \(what): \(text)")
    }
}
