import BONNModelFormat

/// A value of the restricted pickle machine. Texts are names, which are the same where their bytes are; as Swift's
/// own texts they would be where a person sees no difference. Objects are places in the machine's list of them, so that cycles
/// are numbers and no nesting is followed.
enum PickleValue {
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case text(Name)
    /// An integer of more than eight bytes, little-endian.
    case long([UInt8])
    /// A name that was asked for, `module.name`; it is never looked up.
    case global(Name)
    case object(Int)
}

/// What a place in the list of objects holds.
struct PickleObject {
    enum Kind {
        case list
        case tuple
        /// Keys and values by turns.
        case dictionary
        // Apart, so that what fills the list for a byte each, lists and tuples, takes 16 bytes.
        indirect case storage(StorageReference)
        indirect case tensor(TensorReference)
        /// Something that is known and of no use here, such as a scalar of numpy.
        case ignored
    }
    let kind: Kind
    var items: [PickleValue] = []
}

/// A storage that a pickle names.
struct StorageReference {
    let type: StorageType
    let key: Name
    /// Elements.
    let count: Int
}

/// A tensor over a storage, in elements.
struct TensorReference {
    let storage: StorageReference
    let offset: Int
    let shape: [Int]
    let strides: [Int]

    /// Elements. Beside a dimension of 0, the product of the others may be too large for a number.
    var elementCount: Int { shape.contains(0) ? 0 : shape.reduce(1, *) }
}

/// The storages of torch whose elements are numbers, by their classes.
enum StorageType: String, CaseIterable {
    case double = "DoubleStorage"
    case float = "FloatStorage"
    case half = "HalfStorage"
    case bfloat16 = "BFloat16Storage"
    case long = "LongStorage"
    case int = "IntStorage"
    case short = "ShortStorage"
    case char = "CharStorage"
    case byte = "ByteStorage"
    case bool = "BoolStorage"

    /// The storage of an element type of safetensors; nil for those that are not read.
    init?(_ type: Safetensors.ElementType) {
        switch type {
        case .f64: self = .double
        case .f32: self = .float
        case .f16: self = .half
        case .bf16: self = .bfloat16
        case .i64: self = .long
        case .i32: self = .int
        case .i16: self = .short
        case .i8: self = .char
        case .u8: self = .byte
        case .bool: self = .bool
        case .u16, .u32, .u64, .c64, .f4, .f6e2m3, .f6e3m2, .f8e5m2, .f8e4m3, .f8e8m0,
            .f8e4m3fnuz, .f8e5m2fnuz:
            return nil
        }
    }

    /// Bytes of an element.
    var size: Int {
        switch self {
        case .double, .long: 8
        case .float, .int: 4
        case .half, .bfloat16, .short: 2
        case .char, .byte, .bool: 1
        }
    }

    /// The number that the little-endian bytes of an element are, rounded to float32.
    func float(_ bits: UInt64) -> Float {
        switch self {
        case .double: Float(Double(bitPattern: bits))
        case .float: Float(bitPattern: UInt32(truncatingIfNeeded: bits))
        case .half: Self.half(UInt32(truncatingIfNeeded: bits))
        case .bfloat16: Float(bitPattern: UInt32(truncatingIfNeeded: bits) << 16)
        case .long: Float(Int64(bitPattern: bits))
        case .int: Float(Int32(truncatingIfNeeded: bits))
        case .short: Float(Int16(truncatingIfNeeded: bits))
        case .char: Float(Int8(truncatingIfNeeded: bits))
        case .byte: Float(UInt8(truncatingIfNeeded: bits))
        case .bool: bits == 0 ? 0 : 1
        }
    }

    /// IEEE binary16; Swift's `Float16` is not there on every machine.
    private static func half(_ bits: UInt32) -> Float {
        let (exponent, fraction) = (bits >> 10 & 31, bits & 1023)
        let magnitude: Float =
            switch exponent {
            case 0: Float(fraction) * 0x1p-24
            case 31: Float(bitPattern: 0x7F80_0000 | fraction << 13)
            default: Float(bitPattern: (exponent + 112) << 23 | fraction << 13)
            }
        return bits >> 15 == 0 ? magnitude : -magnitude
    }
}
