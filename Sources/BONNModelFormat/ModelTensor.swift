/// A tensor of a model file: little-endian bytes in row-major order.
public struct ModelTensor: Sendable, Equatable {
    /// The element types of the format, a subset of those of safetensors.
    public enum ElementType: String, Sendable, CaseIterable {
        /// Packed bits, 64 to a word.
        case u64 = "U64"
        /// 32-bit floating point.
        case f32 = "F32"
        /// 32-bit signed integers.
        case i32 = "I32"
        /// 8-bit signed integers.
        case i8 = "I8"

        /// Bytes per element.
        public var size: Int {
            switch self {
            case .u64: 8
            case .f32, .i32: 4
            case .i8: 1
            }
        }
    }
    /// What the elements are.
    public var elementType: ElementType
    /// The dimensions.
    public var shape: [Int]
    /// The elements, little-endian, row-major: of a tensor that was read, a slice of its file, so
    /// that reading copies nothing.
    public var bytes: Bytes

    /// Creates a tensor from its bytes.
    public init(elementType: ElementType, shape: [Int], bytes: [UInt8]) {
        self.init(elementType: elementType, shape: shape, bytes: Bytes(bytes))
    }

    /// Creates a tensor from bytes that it shares.
    public init(elementType: ElementType, shape: [Int], bytes: Bytes) {
        self.elementType = elementType
        self.shape = shape
        self.bytes = bytes
    }
}

extension ModelTensor {
    /// A tensor of 32-bit floating-point numbers, row-major.
    public init(f32 values: [Float], shape: [Int]) {
        self.init(.f32, values.map(\.bitPattern), shape)
    }

    /// A tensor of packed words, row-major.
    public init(u64 values: [UInt64], shape: [Int]) {
        self.init(.u64, values, shape)
    }

    /// A tensor of 32-bit integers, row-major.
    public init(i32 values: [Int32], shape: [Int]) {
        self.init(.i32, values, shape)
    }

    /// A tensor of 8-bit integers, row-major.
    public init(i8 values: [Int8], shape: [Int]) {
        self.init(.i8, values, shape)
    }

    /// The elements of an F32 tensor.
    public func floats() -> [Float] {
        elements(.f32, UInt32.self) { Float(bitPattern: $0) }
    }

    /// The elements of a U64 tensor.
    public func words() -> [UInt64] {
        elements(.u64, UInt64.self) { $0 }
    }

    /// The elements of an I32 tensor.
    public func int32s() -> [Int32] {
        elements(.i32, Int32.self) { $0 }
    }

    /// The elements of an I8 tensor.
    public func int8s() -> [Int8] {
        elements(.i8, Int8.self) { $0 }
    }

    private init<Word: FixedWidthInteger>(
        _ elementType: ElementType, _ values: [Word], _ shape: [Int]
    ) {
        precondition(
            checkedProduct(shape) == values.count, "\(values.count) values are not \(shape)")
        let littleEndian = values.map(\.littleEndian)
        self.init(
            elementType: elementType, shape: shape,
            bytes: littleEndian.withUnsafeBytes { Array($0) })
    }

    private func elements<Word: FixedWidthInteger, Element>(
        _ type: ElementType, _: Word.Type, _ convert: (Word) -> Element
    ) -> [Element] {
        precondition(
            elementType == type,
            "the tensor holds \(elementType.rawValue), not \(type.rawValue)")
        let size = MemoryLayout<Word>.size
        return bytes.withUnsafeBytes { raw in
            [Element](unsafeUninitializedCapacity: raw.count / size) { buffer, count in
                count = raw.count / size
                for index in 0..<count {
                    let word = raw.loadUnaligned(fromByteOffset: index * size, as: Word.self)
                    buffer.initializeElement(at: index, to: convert(Word(littleEndian: word)))
                }
            }
        }
    }
}
