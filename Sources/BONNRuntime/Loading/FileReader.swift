import BONNModelFormat

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#endif

/// Reads whole files with the C library.
enum FileReader {
    /// No published 1-bit network comes near; a larger file is somebody's mistake.
    static let largestFile = 1 << 31

    /// The bytes of a regular file.
    ///
    /// What is judged is what was opened: a name may mean another file from one moment to the next.
    ///
    /// - Throws: `.fileNotFound`, `.notAFile`, `.unreadableFile`, `.fileTooLarge`, `.outOfMemory`.
    static func bytes(path: String) throws(RuntimeError) -> Bytes {
        // A pipe without a writer would block the opening for ever.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code: RuntimeError.Code =
                errno == ENOENT || errno == ENOTDIR ? .fileNotFound : .unreadableFile
            throw RuntimeError(code, "\(path): \(reason())")
        }
        defer { _ = close(descriptor) }
        let size = try size(of: descriptor, path: path)
        let bytes = try Bytes(capacity: size) { buffer throws(RuntimeError) in
            var count = 0
            while count < size {
                let got = read(descriptor, buffer.baseAddress! + count, size - count)
                if got < 0 && errno == EINTR { continue }
                guard got >= 0 else {
                    throw RuntimeError(
                        .unreadableFile, "\(path): reading failed at byte \(count): \(reason())")
                }
                // A file that became shorter meanwhile is for the validator to judge.
                guard got > 0 else { break }
                count += got
            }
            return count
        }
        guard let bytes else {
            throw RuntimeError(
                .outOfMemory, "\(path): the system gave no \(size) bytes of memory to read it")
        }
        return bytes
    }

    private static func size(of descriptor: Int32, path: String) throws(RuntimeError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw RuntimeError(.unreadableFile, "\(path): \(reason())")
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR:
            throw RuntimeError(.notAFile, "\(path): is a directory; expected a .bonn model file")
        default:
            throw RuntimeError(
                .notAFile, "\(path): is not a regular file; expected a .bonn model file")
        }
        guard status.st_size <= largestFile else {
            throw RuntimeError(
                .fileTooLarge,
                "\(path): has \(status.st_size) bytes; a model file has at most \(largestFile)")
        }
        return Int(status.st_size)
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
