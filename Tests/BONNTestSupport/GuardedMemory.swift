#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#endif

/// Memory that ends exactly where an inaccessible page begins: whoever reads or writes one byte
/// past it crashes the test. In front of it lie canaries that `isIntact` looks at.
public final class GuardedMemory {
    private static let canary: UInt8 = 0xA5
    private let mapping: UnsafeMutableRawPointer
    private let mappedBytes: Int
    private let accessibleBytes: Int

    /// The first usable byte; aligned for elements whose size divides `byteCount`.
    public let base: UnsafeMutableRawPointer

    /// Maps memory for `byteCount` bytes and fills it with a pattern that no test expects.
    public init(byteCount: Int) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        // At least 64 bytes of canaries in front.
        accessibleBytes = (byteCount + 64 + page - 1) / page * page
        mappedBytes = accessibleBytes + page
        let memory = mmap(
            nil, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
        precondition(memory != MAP_FAILED, "mmap of \(mappedBytes) bytes failed")
        mapping = memory!
        precondition(mprotect(mapping + accessibleBytes, page, PROT_NONE) == 0, "mprotect failed")
        mapping.initializeMemory(as: UInt8.self, repeating: Self.canary, count: accessibleBytes)
        base = mapping + accessibleBytes - byteCount
    }

    /// Memory that holds some elements.
    public convenience init<Element: BitwiseCopyable>(_ elements: [Element]) {
        self.init(byteCount: elements.count * MemoryLayout<Element>.stride)
        elements.withUnsafeBytes { base.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    }

    deinit { munmap(mapping, mappedBytes) }

    /// Whether nobody wrote in front of the memory.
    public var isIntact: Bool {
        UnsafeRawBufferPointer(start: mapping, count: base - mapping)
            .allSatisfy { $0 == Self.canary }
    }

    /// The first `count` elements.
    public func elements<Element: BitwiseCopyable>(_: Element.Type, count: Int) -> [Element] {
        (0..<count).map {
            base.loadUnaligned(
                fromByteOffset: $0 * MemoryLayout<Element>.stride, as: Element.self)
        }
    }
}
