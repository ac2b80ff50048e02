#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#endif

/// Bytes that many may share and nobody changes: of a file, and slices of it.
///
/// Unlike an array's, their memory can be refused: a program is not ended by a file that is too large for
/// its machine. A slice keeps the indices of what it was cut from, and the whole alive.
public struct Bytes: Sendable, RandomAccessCollection {
    private let storage: Storage
    /// The index of the first byte.
    public let startIndex: Int
    /// One behind the index of the last byte.
    public let endIndex: Int

    private enum Storage: Sendable {
        case array([UInt8])
        case memory(AlignedMemory)
    }

    /// The bytes of an array, which is not copied.
    public init(_ array: [UInt8]) {
        storage = .array(array)
        startIndex = 0
        endIndex = array.count
    }

    /// Memory for `capacity` bytes that a function fills.
    ///
    /// - Parameter fill: writes bytes from the first on, and returns how many it has written.
    /// - Returns: nil when the system gives no memory.
    public init?<Failure: Error>(
        capacity: Int, fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        guard let memory = AlignedMemory(byteCount: capacity) else { return nil }
        let count = try fill(UnsafeMutableRawBufferPointer(start: memory.base, count: capacity))
        precondition((0...capacity).contains(count), "\(count) bytes in room for \(capacity)")
        storage = .memory(memory)
        startIndex = 0
        endIndex = count
    }

    /// Whether the system would give so many bytes now: a question before work whose small objects the
    /// language allocates, of which none can be refused.
    static func canAllocate(_ count: Int) -> Bool { AlignedMemory(byteCount: count) != nil }

    private init(_ storage: Storage, _ range: Range<Int>) {
        self.storage = storage
        startIndex = range.lowerBound
        endIndex = range.upperBound
    }

    /// The byte at an index.
    public subscript(position: Int) -> UInt8 {
        precondition((startIndex..<endIndex).contains(position), "byte \(position) is outside")
        switch storage {
        case .array(let array): return array[position]
        case .memory(let memory):
            return memory.base.load(fromByteOffset: position, as: UInt8.self)
        }
    }

    /// Some of the bytes, under the same indices.
    public subscript(bounds: Range<Int>) -> Bytes {
        precondition(
            bounds.lowerBound >= startIndex && bounds.upperBound <= endIndex,
            "bytes \(bounds) are outside")
        return Bytes(storage, bounds)
    }

    /// Calls a function with the bytes, which are valid as long as it runs.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        switch storage {
        case .array(let array):
            return try array.withUnsafeBufferPointer { buffer throws(Failure) in
                try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[range]))
            }
        case .memory(let memory):
            let all = UnsafeRawBufferPointer(start: memory.base, count: endIndex)
            return try body(UnsafeRawBufferPointer(rebasing: all[range]))
        }
    }

    /// Calls a function with the bytes; they always lie side by side.
    public func withContiguousStorageIfAvailable<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result? {
        try withUnsafeBytes { raw in try raw.withMemoryRebound(to: UInt8.self, body) }
    }

    private var range: Range<Int> { startIndex..<endIndex }
}

extension Bytes: Equatable {
    /// Whether the bytes are the same, wherever they lie.
    public static func == (first: Bytes, second: Bytes) -> Bool {
        guard first.count == second.count else { return false }
        return first.withUnsafeBytes { a in
            second.withUnsafeBytes { b in
                a.isEmpty || memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0
            }
        }
    }
}
