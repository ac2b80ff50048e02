#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#endif

/// One block of memory that starts on a cache line, freed with its owner.
final class AlignedMemory {
    /// Bytes of a cache line; also the widest vector register.
    static let alignment = 64

    /// The first byte.
    let base: UnsafeMutableRawPointer
    /// How many bytes there are.
    let byteCount: Int

    /// Allocates memory with any contents; the system provides pages as they are written.
    ///
    /// - Throws: `.outOfMemory`.
    init(byteCount: Int) throws(RuntimeError) {
        var memory: UnsafeMutableRawPointer?
        let status = posix_memalign(&memory, Self.alignment, max(byteCount, Self.alignment))
        guard status == 0, let memory else {
            throw RuntimeError(
                .outOfMemory, "the system gave no \(byteCount) bytes of memory")
        }
        base = memory
        self.byteCount = byteCount
    }

    deinit { free(base) }

    /// `byteCount` rounded up to whole cache lines.
    static func rounded(_ byteCount: Int) -> Int {
        (byteCount + alignment - 1) / alignment * alignment
    }
}
