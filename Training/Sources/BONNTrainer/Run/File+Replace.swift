import BONNFiles
import Foundation

extension File {
    /// Replaces a file: writes a temporary one in the same folder (`path` with `.tmp` behind it),
    /// forces it to the disk, renames it over the old one and forces the folder to the disk. A
    /// failure or a kill at any instant leaves the old file whole or the new one; a temporary file
    /// that a kill leaves is used up by the next call. Two processes that replace one file take
    /// turns. A link is followed: the file that it leads to is replaced.
    ///
    /// - Throws: `.diskFull` when the space ran out, `.file` for any other reason of the system, or
    ///   where something else than a file is at the path.
    public static func replace(_ path: String, with bytes: [UInt8]) throws(TrainingError) {
        let target = try target(of: path)
        let temporary = target + ".tmp"
        let descriptor = try openAlone(temporary, for: path)
        // Nothing is lost when closing fails: all bytes are on the disk by then, or given up.
        defer { close(descriptor) }
        do throws(TrainingError) {
            try require(path, "cannot write", retrying { ftruncate(descriptor, 0) })
            if let reason = writeAll(bytes, to: descriptor) {
                throw failure(path, "cannot write", reason)
            }
            try require(path, "cannot save", retrying { fsync(descriptor) })
            try require(path, "cannot save", retrying { rename(temporary, target) })
        } catch {
            unlink(temporary)
            throw error
        }
        try synchronizeFolder(of: target, path)
    }

    /// The file to replace: that at the path, or the one that a link at the path leads to.
    private static func target(of path: String) throws(TrainingError) -> String {
        var status = stat()
        // Nothing there, or a link to nothing, which the new file then replaces.
        guard stat(path, &status) == 0 else { return path }
        guard status.st_mode & S_IFMT == S_IFREG else { throw notAFile(path) }
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK,
            let resolved = realpath(path, nil)
        else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Opens the temporary file and locks it, for two seconds at most: the lock of a process that
    /// was killed ended with it, and one that renamed the file away left another at the path.
    private static func openAlone(
        _ temporary: String, for path: String
    ) throws(TrainingError) -> Int32 {
        for _ in 0..<40 {
            let descriptor = retrying {
                // Not blocking: a pipe would wait for a reader before it could be refused.
                open(
                    temporary, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
            }
            // What the system says of a pipe without a reader, and of a link.
            if descriptor < 0 && [ENXIO, ELOOP].contains(errno) { throw notAFile(temporary) }
            try require(path, "cannot write", descriptor)
            guard isFile(descriptor) else {
                close(descriptor)
                throw notAFile(temporary)
            }
            let locked = retrying { flock(descriptor, LOCK_EX | LOCK_NB) }
            let reason = errno
            if locked == 0 && isStill(descriptor, at: temporary) { return descriptor }
            close(descriptor)
            if locked == 0 { continue }
            guard reason == EWOULDBLOCK else { throw failure(path, "cannot lock", reason) }
            usleep(50_000)
        }
        throw TrainingError(.file, "\(path): another process is writing this file")
    }

    /// Some folders cannot be opened or synchronized by their nature; the rename is atomic all the
    /// same.
    private static func synchronizeFolder(of target: String, _ path: String) throws(TrainingError) {
        let folder = target.lastIndex(of: "/").map { String(target[...$0]) } ?? "."
        let descriptor = retrying { open(folder, O_RDONLY | O_CLOEXEC) }
        if descriptor < 0 && errno == EACCES { return }
        try require(path, "written, but perhaps not to the disk yet", descriptor)
        defer { close(descriptor) }
        let result = retrying { fsync(descriptor) }
        if result != 0 && [EINVAL, ENOTSUP, ENOSYS, EROFS].contains(errno) { return }
        try require(path, "written, but perhaps not to the disk yet", result)
    }

    /// Throws the reason in `errno` where a call of the system failed.
    private static func require(
        _ path: String, _ what: String, _ result: Int32
    ) throws(TrainingError) {
        let reason = errno
        guard result >= 0 else { throw failure(path, what, reason) }
    }
}
