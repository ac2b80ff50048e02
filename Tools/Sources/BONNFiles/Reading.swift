import Foundation

/// What a descriptor gives next, 64 kB at most; empty at the end.
///
/// - Returns: nil where the system refuses, which `errno` then tells why.
public func readPiece(_ descriptor: CInt) -> [UInt8]? {
    let largest = 1 << 16
    var count = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: largest) { buffer, initialized in
        repeat {
            count = read(descriptor, buffer.baseAddress, largest)
        } while count < 0 && errno == EINTR
        initialized = max(0, count)
    }
    return count < 0 ? nil : bytes
}
