import CTorch

/// The type of a tensor's elements.
public enum DType: String, Sendable, CaseIterable {
    /// IEEE single precision, the default of every factory.
    case float32
    /// IEEE double precision; MPS has none.
    case float64
    /// Signed, 32 bits.
    case int32
    /// Signed, 64 bits: class numbers and indices.
    case int64
    /// Unsigned bytes: images.
    case uint8
    /// One byte, 0 or 1: results of comparisons.
    case bool

    /// Bytes of one element.
    public var size: Int {
        switch self {
        case .float32, .int32: 4
        case .float64, .int64: 8
        case .uint8, .bool: 1
        }
    }

    /// Whether the elements are floating-point numbers, the ones that can have gradients.
    public var isFloatingPoint: Bool { self == .float32 || self == .float64 }

    var code: ctorch_dtype {
        switch self {
        case .float32: CTORCH_FLOAT32
        case .float64: CTORCH_FLOAT64
        case .int32: CTORCH_INT32
        case .int64: CTORCH_INT64
        case .uint8: CTORCH_UINT8
        case .bool: CTORCH_BOOL
        }
    }
}
