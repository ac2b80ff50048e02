import Foundation

/// A plain file, open for reading.
///
/// What it is, is asked of the open file and not of its name, which may be another's by then.
public struct PlainFile: ~Copyable {
    /// Why a file cannot be read.
    public enum Failure: Error {
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
        public var reason: String {
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

    /// How many bytes it had when it was opened.
    public let size: Int
    private let descriptor: CInt

    /// Opens a file, and refuses what is none.
    public init(path: String) throws(Failure) {
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
    public borrowing func beginning(_ count: Int) throws(Failure) -> [UInt8] {
        try bytes(min(size, count))
    }

    /// All bytes.
    ///
    /// - Throws: `.tooLarge` before any memory is taken.
    public borrowing func contents(atMost limit: Int) throws(Failure) -> [UInt8] {
        guard size <= limit else { throw .tooLarge(size, limit: limit) }
        let bytes = try bytes(size)
        guard bytes.count == size, try Self.size(of: descriptor) == size else { throw .changed }
        return bytes
    }

    /// The bytes of the file at a path, which a function has judged by its beginning and its size before
    /// memory is taken for all of it.
    ///
    /// - Parameters:
    ///   - count: how many of the first bytes are looked at.
    ///   - limit: the largest size.
    ///   - wrap: makes the caller's error of a failure.
    ///   - check: refuses a file.
    public static func contents<E: Error>(
        of path: String, beginning count: Int, atMost limit: Int, failing wrap: (Failure) -> E,
        check: (_ beginning: [UInt8], _ size: Int) throws(E) -> Void
    ) throws(E) -> [UInt8] {
        func reading<T: ~Copyable>(_ body: () throws(Failure) -> T) throws(E) -> T {
            do throws(Failure) {
                return try body()
            } catch {
                throw wrap(error)
            }
        }
        let file = try reading { () throws(Failure) in try PlainFile(path: path) }
        let first = try reading { () throws(Failure) in try file.beginning(count) }
        try check(first, file.size)
        return try reading { () throws(Failure) in try file.contents(atMost: limit) }
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
