import CTorch

/// An n-dimensional array of LibTorch: shared, mutable storage with a shape and an element type.
///
/// A class, because two names may stand for one storage; views share theirs. Not `Sendable`: a
/// tensor belongs to the task that made it. Operations check their shapes in LibTorch and throw
/// `TorchError` with LibTorch's message, the operation and the shapes; one `try` covers a whole
/// expression. Dimensions are counted from 0, negative ones from the last.
public final class Tensor {
    /// The C handle, owned by this object.
    package let handle: OpaquePointer

    /// Takes over a handle that a C function left in its `result`.
    package init(owning handle: OpaquePointer) {
        self.handle = handle
    }

    deinit {
        ctorch_free(handle)
    }

    /// The extents, outermost first; empty for a scalar.
    public var shape: [Int] {
        let rank = ctorch_rank(handle)
        return [Int](unsafeUninitializedCapacity: rank) { buffer, count in
            // An empty buffer has no address, and nothing is written to it.
            if let extents = buffer.baseAddress, rank > 0 { ctorch_shape(handle, extents) }
            count = rank
        }
    }

    /// How many dimensions there are.
    public var rank: Int { ctorch_rank(handle) }

    /// All dimensions from `first` on, to be reduced: unlike `flatten`, that copies nothing in channels last.
    public func dimensions(from first: Int) -> [Int] { Array(first..<max(first, rank)) }

    /// How many elements there are.
    public var count: Int { ctorch_count(handle) }

    /// The element type.
    public var dtype: DType {
        switch ctorch_dtype_of(handle) {
        case CTORCH_FLOAT32: return .float32
        case CTORCH_FLOAT64: return .float64
        case CTORCH_INT32: return .int32
        case CTORCH_INT64: return .int64
        case CTORCH_UINT8: return .uint8
        case CTORCH_BOOL: return .bool
        default: preconditionFailure("no operation of this module makes another element type")
        }
    }

    /// Where the elements are.
    public var device: Device { Device(ctorch_device_of(handle)) }

    /// Whether the elements lie in row-major order without gaps; with `channelsLast`, in the order
    /// N, H, W, C of a tensor whose shape stays [N, C, H, W].
    public func isContiguous(channelsLast: Bool = false) -> Bool {
        ctorch_is_contiguous(handle, channelsLast)
    }
}

extension Tensor: CustomStringConvertible {
    /// Element type, shape and device: `float32 [2, 3] on cpu`.
    public var description: String { "\(dtype) \(shape) on \(device)" }
}
