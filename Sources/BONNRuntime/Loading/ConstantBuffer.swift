/// Numbers that never change after loading, at an address that never changes either.
///
/// `@unchecked Sendable`: the memory is written in `init` alone and read by any thread after it.
final class ConstantBuffer<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    private let buffer: UnsafeMutableBufferPointer<Element>

    /// Copies the elements.
    init(_ elements: [Element]) {
        buffer = .allocate(capacity: elements.count)
        _ = buffer.initialize(from: elements)
    }

    deinit { buffer.deallocate() }

    /// The first element. Valid as long as `self` is.
    var pointer: UnsafePointer<Element> { UnsafePointer(buffer.baseAddress!) }

    /// How many elements there are.
    var count: Int { buffer.count }
}
