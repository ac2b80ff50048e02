import Foundation

/// A plain file, open for reading.
///
/// What it is, is asked of the open file and not of its name, which may be another's by then.
package struct PlainFile: ~Copyable {
    /// Why a file cannot be read.
    package enum Failure: Error {
        /// There is nothing of that name.
        case missing
        /// It is a folder.
        case folder
        /// It is a pipe, a socket or a device.
        case notPlain
        /// It has so many bytes, and may have so many.
        case tooLarge(Int, limit: Int)
        /// Its size is another one than when it was opened.
        case changed
        /// What the system says.
        case refused(CInt)

        /// What is wrong, as a message says it behind the path.
        package var reason: String {
            switch self {
            case .missing: "cannot be read: \(String(cString: strerror(ENOENT)))"
            case .folder: "is a folder"
            case .notPlain: "is not a plain file"
            case .tooLarge(let size, let limit):
                "is a file of \(size) bytes, more than the \(limit) that are allowed"
            case .changed: "changed its size while it was read; try again"
            case .refused(let number): "cannot be read: \(String(cString: strerror(number)))"
            }
        }
    }

    /// Its bytes when it was opened.
    private let size: Int
    private let descriptor: CInt

    /// Opens a file, and refuses what is none.
    package init(path: String) throws(Failure) {
        // Without O_NONBLOCK a named pipe would wait for a writer for ever.
        let file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else {
            throw errno == ENOENT || errno == ENOTDIR ? .missing : .refused(errno)
        }
        do throws(Failure) {
            size = try Self.size(of: file)
        } catch {
            close(file)
            throw error
        }
        descriptor = file
    }

    deinit { close(descriptor) }

    /// The first bytes, at most `count`.
    package borrowing func beginning(_ count: Int) throws(Failure) -> [UInt8] {
        try bytes(min(size, count))
    }

    /// All bytes.
    package borrowing func contents(atMost limit: Int) throws(Failure) -> [UInt8] {
        guard size <= limit else { throw .tooLarge(size, limit: limit) }
        let bytes = try bytes(size)
        guard bytes.count == size, try Self.size(of: descriptor) == size else { throw .changed }
        return bytes
    }

    private static func size(of file: CInt) throws(Failure) -> Int {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw .refused(errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return Int(status.st_size)
        case S_IFDIR: throw .folder
        default: throw .notPlain
        }
    }

    /// The first `count` bytes, fewer if the file has become shorter.
    private borrowing func bytes(_ count: Int) throws(Failure) -> [UInt8] {
        var reason: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count {
                let target = buffer.baseAddress.map { $0 + initialized }
                let read = pread(descriptor, target, count - initialized, off_t(initialized))
                if read < 0 && errno == EINTR { continue }
                if read < 0 { reason = errno }
                if read <= 0 { break }
                initialized += read
            }
        }
        guard reason == 0 else { throw .refused(reason) }
        return bytes
    }
}

/// Reads a whole image file; `check` sees its first bytes before the rest is read.
func readFile(
    path: String, atMost limit: Int, check: (ArraySlice<UInt8>) throws(ImageIOError) -> Void
) throws(ImageIOError) -> [UInt8] {
    func failing<T: ~Copyable>(
        _ body: () throws(PlainFile.Failure) -> T
    ) throws(ImageIOError) -> T {
        do throws(PlainFile.Failure) {
            return try body()
        } catch {
            throw ImageIOError(error, path: path)
        }
    }
    let file = try failing { () throws(PlainFile.Failure) in try PlainFile(path: path) }
    let beginning = try failing { () throws(PlainFile.Failure) in
        try file.beginning(ImageFormat.beginning)
    }
    try check(beginning[...])
    return try failing { () throws(PlainFile.Failure) in try file.contents(atMost: limit) }
}

extension ImageIOError {
    fileprivate init(_ failure: PlainFile.Failure, path: String) {
        switch failure {
        case .tooLarge: self.init(.tooLarge, path: path, reason: failure.reason)
        case .folder:
            self.init(.unreadable, path: path, reason: "is a folder, not an image file")
        default: self.init(.unreadable, path: path, reason: failure.reason)
        }
    }
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

private func unreadable(_ path: String) -> ImageIOError {
    ImageIOError(
        .unreadable, path: path, reason: "cannot be read: \(String(cString: strerror(errno)))")
}
