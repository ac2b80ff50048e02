import BONNData
import BONNFiles
import BONNModelFormat
import Crypto
import Foundation

/// The file of a transfer, complete or not, held by one process at a time.
struct PartialFile: Sendable {
    let path: String
    private let descriptor: CInt

    /// Opens the file, or creates it.
    ///
    /// - Throws: `.unwritable` where that is not possible, something else is at the path, or another
    ///   process holds it.
    init(_ path: String) throws(DataError) {
        self.path = path
        while true {
            let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
            guard file >= 0 else { throw DataError(.unwritable, path, "cannot be opened") }
            var (status, named) = (stat(), stat())
            guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                Foundation.close(file)
                throw DataError(.unwritable, "\(printable(path)): is not a file; remove it")
            }
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
                Foundation.close(file)
                throw DataError(
                    .unwritable, "\(printable(path)): another process is downloading this archive")
            }
            // The process that held it before may just have removed it.
            if lstat(path, &named) == 0, named.st_ino == status.st_ino {
                descriptor = file
                return
            }
            Foundation.close(file)
        }
    }

    /// Bytes in the file.
    func size() throws(DataError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw DataError(.unwritable, path, "cannot be looked up")
        }
        return Int(status.st_size)
    }

    /// Forgets everything in the file.
    func truncate() throws(DataError) {
        guard ftruncate(descriptor, 0) == 0 else {
            throw DataError(.unwritable, path, "cannot be written")
        }
    }

    /// Writes bytes at a place.
    func write(_ bytes: ArraySlice<UInt8>, at offset: Int) throws(DataError) {
        guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else {
            throw DataError(.unwritable, path, "cannot be written")
        }
        if let reason = writeAll(bytes, to: descriptor) {
            throw DataError(.unwritable, path, "cannot be written", reason)
        }
    }

    /// The MD5 sum of the file: it tells a damaged archive, and proves no origin.
    func md5() throws(DataError) -> String {
        var md5 = Insecure.MD5()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var offset = 0
        while true {
            let count = pread(descriptor, &buffer, buffer.count, off_t(offset))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw DataError(.unwritable, path, "cannot be read") }
            if count == 0 { break }
            buffer.withUnsafeBytes { md5.update(bufferPointer: .init(rebasing: $0[..<count])) }
            offset += count
        }
        return md5.finalize().map { String(format: "%02x", $0) }.joined()
    }

    /// Removes the file.
    func remove() { unlink(path) }

    /// Lets others have the file.
    func close() { Foundation.close(descriptor) }
}
