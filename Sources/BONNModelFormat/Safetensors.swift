/// The safetensors container: 8 bytes of header length, a JSON header, the tensors' bytes.
///
/// Any element type of the format is read and written; model files and training checkpoints both
/// build on it. Reading trusts nothing and copies nothing but names and shapes. A valid file has
/// every byte of its data in exactly one tensor: no hole, no overlap, nothing left over.
///
/// Source: https://github.com/huggingface/safetensors, README "Format".
public enum Safetensors {
    /// The longest header that is read or written, in bytes.
    public static let maximumHeaderBytes = 16 << 20

    /// The element types of the format.
    public enum ElementType: String, Sendable, CaseIterable {
        case bool = "BOOL"
        case f4 = "F4"
        case f6e2m3 = "F6_E2M3"
        case f6e3m2 = "F6_E3M2"
        case u8 = "U8"
        case i8 = "I8"
        case f8e5m2 = "F8_E5M2"
        case f8e4m3 = "F8_E4M3"
        case f8e8m0 = "F8_E8M0"
        case f8e4m3fnuz = "F8_E4M3FNUZ"
        case f8e5m2fnuz = "F8_E5M2FNUZ"
        case i16 = "I16"
        case u16 = "U16"
        case f16 = "F16"
        case bf16 = "BF16"
        case i32 = "I32"
        case u32 = "U32"
        case f32 = "F32"
        case c64 = "C64"
        case f64 = "F64"
        case i64 = "I64"
        case u64 = "U64"

        /// Bits of one element.
        public var bits: Int {
            switch self {
            case .f4: 4
            case .f6e2m3, .f6e3m2: 6
            case .bool, .u8, .i8, .f8e5m2, .f8e4m3, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz: 8
            case .i16, .u16, .f16, .bf16: 16
            case .i32, .u32, .f32: 32
            case .c64, .f64, .i64, .u64: 64
            }
        }

        /// The alignment of the elements in a file, in bytes.
        public var alignment: Int { max(1, bits / 8) }
    }

    /// One tensor to be written.
    public struct Tensor: Sendable, Equatable {
        /// Unique in the file, not empty, not `__metadata__`.
        public var name: Name
        /// What the elements are.
        public var elementType: ElementType
        /// The dimensions; empty for a scalar.
        public var shape: [Int]
        /// The elements, little-endian, row-major.
        public var bytes: [UInt8]

        /// Creates a tensor from its bytes.
        public init(name: Name, elementType: ElementType, shape: [Int], bytes: [UInt8]) {
            self.name = name
            self.elementType = elementType
            self.shape = shape
            self.bytes = bytes
        }
    }

    /// Where one tensor lies in a file.
    public struct Entry: Sendable, Equatable {
        /// What the elements are.
        public let elementType: ElementType
        /// The dimensions; empty for a scalar.
        public let shape: [Int]
        /// The bytes of the elements, counted from the start of the file.
        public let range: Range<Int>
        /// The SHA-256 of these bytes; nil where the file states no digest.
        public internal(set) var digest: SHA256.Digest?
    }

    /// What a file holds.
    public struct Contents: Sendable, Equatable {
        /// The strings of `__metadata__`, without the digest; empty when the file has none.
        public let metadata: [Name: String]
        /// The tensors by name.
        public let tensors: [Name: Entry]
        /// The digest that the file states of itself and has; nil where it states none.
        public let digest: SHA256.Digest?
    }

    /// How many bytes the elements of a shape need; nil when a dimension is negative, the number
    /// overflows, or elements narrower than a byte do not fill whole bytes.
    public static func byteCount(_ elementType: ElementType, shape: [Int]) -> Int? {
        guard let count = checkedProduct(shape) else { return nil }
        let (bits, overflow) = count.multipliedReportingOverflow(by: elementType.bits)
        guard !overflow, bits % 8 == 0 else { return nil }
        return bits / 8
    }
}

/// The product of non-negative factors; nil when one is negative or the product overflows.
func checkedProduct(_ factors: [Int]) -> Int? {
    var product = 1
    var overflows = false
    for factor in factors {
        guard factor >= 0 else { return nil }
        if factor == 0 { return factors.allSatisfy { $0 >= 0 } ? 0 : nil }
        let (next, overflow) = product.multipliedReportingOverflow(by: factor)
        overflows = overflows || overflow
        product = next
    }
    return overflows ? nil : product
}
