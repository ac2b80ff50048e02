/// Numbers that never change after loading, at an address that never changes either.
///
/// `@unchecked Sendable`: the memory is written in the initialisers alone and read by any thread
/// after them.
final class ConstantBuffer<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    private let memory: UnsafeMutableRawBufferPointer

    /// The first element, at the begin of a cache line. Valid as long as `self` is.
    let pointer: UnsafePointer<Element>

    /// Copies the elements.
    convenience init(_ elements: [Element]) {
        self.init(count: elements.count) { pointer in
            elements.withUnsafeBufferPointer {
                _ = UnsafeMutableBufferPointer(start: pointer, count: elements.count)
                    .initialize(from: $0)
            }
        }
    }

    /// Lets a function write all elements.
    init(count: Int, initializedBy body: (UnsafeMutablePointer<Element>) -> Void) {
        memory = .allocate(
            byteCount: count * MemoryLayout<Element>.stride, alignment: AlignedMemory.alignment)
        let elements = memory.baseAddress!.bindMemory(to: Element.self, capacity: count)
        pointer = UnsafePointer(elements)
        body(elements)
    }

    deinit { memory.deallocate() }
}

extension ConstantBuffer<UInt8> {
    /// The bytes that a kernel set's packing function writes. `pack` returns how many there are, and
    /// writes none where there is no place.
    convenience init(packedBy pack: (UnsafeMutableRawPointer?) -> Int) {
        self.init(count: pack(nil)) { _ = pack($0) }
    }
}
