import BONNModelFormat

/// The elements of a tensor, read where they lie: nothing is copied and nothing is aligned.
struct TensorElements<Word: FixedWidthInteger> {
    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    subscript(index: Int) -> Word {
        Word(
            littleEndian: bytes.loadUnaligned(
                fromByteOffset: index * MemoryLayout<Word>.size, as: Word.self))
    }
}

extension ModelTensor {
    /// How many elements there are.
    var count: Int { bytes.count / elementType.size }

    /// The elements of an F32 tensor, by index.
    func withFloats(_ body: (TensorFloats) -> Void) {
        precondition(elementType == .f32, "\(elementType.rawValue) is not F32")
        bytes.withUnsafeBytes { body(TensorFloats(bits: TensorElements($0))) }
    }

    /// The elements of a tensor of integers, by index.
    func withElements<Word: FixedWidthInteger, Result>(
        _: Word.Type, _ body: (TensorElements<Word>) -> Result
    ) -> Result {
        precondition(
            elementType.size == MemoryLayout<Word>.size,
            "\(elementType.rawValue) is not \(Word.self)")
        return bytes.withUnsafeBytes { body(TensorElements($0)) }
    }
}

/// The elements of an F32 tensor.
struct TensorFloats {
    fileprivate let bits: TensorElements<UInt32>

    subscript(index: Int) -> Float { Float(bitPattern: bits[index]) }
}
