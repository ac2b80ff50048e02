import Foundation

/// Reads a whole plain file; `check` sees its first bytes before the rest is read.
///
/// What the file is, is asked of the open file and not of its name, which may be another's by then.
func readFile(
    path: String, atMost limit: Int, check: (ArraySlice<UInt8>) throws(ImageIOError) -> Void
) throws(ImageIOError) -> [UInt8] {
    // Without O_NONBLOCK a named pipe would wait for a writer for ever.
    let file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { throw unreadable(path) }
    defer { close(file) }
    let size = try sizeOfPlainFile(file, path: path)
    var bytes = try readBytes(file, count: min(size, ImageFormat.beginning), path: path)
    try check(bytes[...])
    guard size <= limit else {
        throw ImageIOError(
            .tooLarge, path: path,
            reason: "is a file of \(size) bytes, more than the \(limit) that are allowed")
    }
    if size > bytes.count {
        bytes = try readBytes(file, count: size, path: path)
    }
    guard bytes.count == size, try sizeOfPlainFile(file, path: path) == size else {
        throw ImageIOError(
            .unreadable, path: path, reason: "changed its size while it was read; try again")
    }
    return bytes
}

/// The bytes of standard input, for an image that comes through a pipe.
///
/// - Parameter limit: Bytes; more are an error.
public func readStandardInput(atMost limit: Int) throws(ImageIOError) -> [UInt8] {
    let name = "standard input"
    var bytes: [UInt8] = []
    while true {
        guard bytes.count <= limit else {
            throw ImageIOError(
                .tooLarge, path: name, reason: "gives more than the \(limit) bytes that are allowed"
            )
        }
        var count = 0
        let part = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, initialized in
            repeat {
                count = read(STDIN_FILENO, buffer.baseAddress, 1 << 16)
            } while count < 0 && errno == EINTR
            initialized = max(0, count)
        }
        guard count >= 0 else { throw unreadable(name) }
        if count == 0 { return bytes }
        bytes += part
    }
}

private func sizeOfPlainFile(_ file: CInt, path: String) throws(ImageIOError) -> Int {
    var status = stat()
    guard fstat(file, &status) == 0 else { throw unreadable(path) }
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFREG else {
        let what = kind == S_IFDIR ? "is a folder, not an image file" : "is not a plain file"
        throw ImageIOError(.unreadable, path: path, reason: what)
    }
    return Int(status.st_size)
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

private func unreadable(_ path: String) -> ImageIOError {
    ImageIOError(
        .unreadable, path: path, reason: "cannot be read: \(String(cString: strerror(errno)))")
}
