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
    /// - Throws: `.fileNotFound`, `.notAFile`, `.unreadableFile`, `.fileTooLarge`.
    static func bytes(path: String) throws(RuntimeError) -> [UInt8] {
        let size = try size(path: path)
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else {
            throw RuntimeError(.unreadableFile, "\(path): cannot be opened: \(reason())")
        }
        defer { _ = close(descriptor) }
        var failure: RuntimeError?
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = read(descriptor, buffer.baseAddress! + count, size - count)
                if got < 0 && errno == EINTR { continue }
                guard got >= 0 else {
                    failure = RuntimeError(
                        .unreadableFile, "\(path): reading failed at byte \(count): \(reason())")
                    return
                }
                // A file that became shorter meanwhile is for the validator to judge.
                guard got > 0 else { return }
                count += got
            }
        }
        if let failure { throw failure }
        return bytes
    }

    private static func size(path: String) throws(RuntimeError) -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let code: RuntimeError.Code =
                errno == ENOENT || errno == ENOTDIR ? .fileNotFound : .unreadableFile
            throw RuntimeError(code, "\(path): \(reason())")
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
