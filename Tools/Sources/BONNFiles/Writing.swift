import Foundation

/// Writes all bytes, however few the system takes at once, and waits where the other side is slow.
///
/// - Returns: The `errno` of what could not be written; nil where all of it was.
public func writeAll(_ bytes: some Collection<UInt8>, to descriptor: CInt) -> CInt? {
    // An array or a slice of one is not copied.
    bytes.withContiguousStorageIfAvailable { writeAll(UnsafeRawBufferPointer($0), to: descriptor) }
        ?? Array(bytes).withUnsafeBytes { writeAll($0, to: descriptor) }
}

private func writeAll(_ buffer: UnsafeRawBufferPointer, to descriptor: CInt) -> CInt? {
    var written = 0
    while written < buffer.count {
        let count = write(
            descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
        if count > 0 {
            written += count
        } else if count == 0 {
            return EIO
        } else if errno == EAGAIN || errno == EWOULDBLOCK {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&waiting, 1, -1) >= 0 || errno == EINTR else { return errno }
        } else if errno != EINTR {
            return errno
        }
    }
    return nil
}
