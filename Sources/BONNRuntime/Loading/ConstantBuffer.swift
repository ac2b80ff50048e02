import BONNModelFormat

/// Numbers that never change after loading, at an address that never changes either.
///
/// `@unchecked Sendable`: the memory is written in the initialisers alone and read by any thread
/// after them.
final class ConstantBuffer<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    private let memory: AlignedMemory

    /// The first element, at the begin of a cache line. Valid as long as `self` is.
    let pointer: UnsafePointer<Element>
    /// How many elements there are.
    let count: Int

    /// Lets a function write all elements.
    ///
    /// - Throws: `.outOfMemory`.
    init(
        count: Int, initializedBy body: (UnsafeMutablePointer<Element>) -> Void
    ) throws(RuntimeError) {
        memory = try AlignedMemory.allocate(byteCount: count * MemoryLayout<Element>.stride)
        let elements = memory.base.bindMemory(to: Element.self, capacity: count)
        pointer = UnsafePointer(elements)
        self.count = count
        body(elements)
    }

    /// Copies the elements of a small table.
    ///
    /// - Throws: `.outOfMemory`.
    convenience init(_ elements: [Element]) throws(RuntimeError) {
        try self.init(count: elements.count) { pointer in
            elements.withUnsafeBufferPointer {
                _ = UnsafeMutableBufferPointer(start: pointer, count: elements.count)
                    .initialize(from: $0)
            }
        }
    }
}
