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
///
/// `@unchecked Sendable`: whoever shares it sees to it that nobody writes then.
package final class AlignedMemory: @unchecked Sendable {
    /// Bytes of a cache line; also the widest vector register.
    package static let alignment = 64
    /// Bytes of a large page, on most systems.
    private static let largePage = 1 << 21

    /// The first byte.
    package let base: UnsafeMutableRawPointer
    /// How many bytes there are.
    package let byteCount: Int

    /// Allocates memory with any contents; the system provides pages as they are written.
    ///
    /// - Returns: nil when the system gives none.
    package init?(byteCount: Int) {
        // 2 MB are 512 ordinary pages, each with a fault at its first byte: to read the 4.2 MB of a
        // ResNet-18's file took 2.0 ms with those and takes 0.5 ms with large ones. What all but fills its
        // last large page gets the rest of it too.
        let pages = (byteCount &+ Self.largePage - 1) / Self.largePage * Self.largePage
        let room = pages > byteCount && pages - byteCount <= byteCount / 16 ? pages : byteCount
        let isLarge = room >= Self.largePage
        var memory: UnsafeMutableRawPointer?
        guard
            posix_memalign(
                &memory, isLarge ? Self.largePage : Self.alignment, max(room, Self.alignment)) == 0,
            let memory
        else { return nil }
        #if os(Linux) || os(Android)
            // Advice: a system without large pages goes on without.
            if isLarge { _ = madvise(memory, room, Int32(MADV_HUGEPAGE)) }
        #endif
        base = memory
        self.byteCount = byteCount
    }

    deinit { free(base) }

    /// `byteCount` rounded up to whole cache lines.
    package static func rounded(_ byteCount: Int) -> Int {
        (byteCount + alignment - 1) / alignment * alignment
    }
}
