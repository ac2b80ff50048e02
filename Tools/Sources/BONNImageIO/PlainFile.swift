import Foundation

/// Reads a whole plain file; `check` sees its first bytes before the rest is read.
func readFile(
    path: String, check: (ArraySlice<UInt8>) throws(ImageIOError) -> Void
) throws(ImageIOError) -> [UInt8] {
    // Without O_NONBLOCK a named pipe would wait for a writer for ever.
    let file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { throw unreadable(path) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw unreadable(path) }
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFREG else {
        let what = kind == S_IFDIR ? "is a folder, not an image file" : "is not a plain file"
        throw ImageIOError(.unreadable, path: path, reason: what)
    }
    let size = Int(status.st_size)
    // 16 bytes name every format; more would be wasted on a large file that is none of them.
    var bytes = try readBytes(file, count: min(size, 16), path: path)
    try check(bytes[...])
    if size > bytes.count {
        bytes = try readBytes(file, count: size, path: path)
    }
    return bytes
}

/// The first `count` bytes of an open file, fewer if it ends before.
private func readBytes(_ file: CInt, count: Int, path: String) throws(ImageIOError) -> [UInt8] {
    var failed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        while initialized < count {
            let target = buffer.baseAddress.map { $0 + initialized }
            let read = pread(file, target, count - initialized, off_t(initialized))
            if read < 0 && errno == EINTR { continue }
            failed = read < 0
            if read <= 0 { break }
            initialized += read
        }
    }
    if failed { throw unreadable(path) }
    return bytes
}

/// Writes a file, or replaces the one that is there once every byte of the new one is written.
func writeFile(_ bytes: [UInt8], path: String) throws(ImageIOError) {
    let temporary = "\(path).\(getpid()).part"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw unwritable(path) }
    var written = 0
    var problem: ImageIOError?
    bytes.withUnsafeBytes { buffer in
        while written < buffer.count && problem == nil {
            let count = write(file, buffer.baseAddress.map { $0 + written }, buffer.count - written)
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                problem = unwritable(path)
            }
        }
    }
    if close(file) != 0 && problem == nil { problem = unwritable(path) }
    if problem == nil && rename(temporary, path) != 0 { problem = unwritable(path) }
    if let problem {
        unlink(temporary)
        throw problem
    }
}

private func unreadable(_ path: String) -> ImageIOError {
    ImageIOError(
        .unreadable, path: path, reason: "cannot be read: \(String(cString: strerror(errno)))")
}

private func unwritable(_ path: String) -> ImageIOError {
    ImageIOError(
        .unwritable, path: path, reason: "cannot be written: \(String(cString: strerror(errno)))")
}
