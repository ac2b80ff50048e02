import CTorch

extension Tensor {
    /// A tensor of zeros.
    public static func zeros(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try full(shape, 0, dtype: dtype, device: device)
    }

    /// A tensor of ones.
    public static func ones(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try full(shape, 1, dtype: dtype, device: device)
    }

    /// A tensor of one value; of shape `[]` it is a scalar.
    public static func full(
        _ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try device.requireAvailable()
        return try make(()) {
            ctorch_full(shape, shape.count, value, dtype.code, device.code, $0, $1)
        }
    }

    /// A tensor whose elements are whatever the memory held.
    public static func empty(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try device.requireAvailable()
        return try make(()) {
            ctorch_empty(shape, shape.count, dtype.code, device.code, $0, $1)
        }
    }

    /// Zeros of the shape, element type and device of `other`.
    public static func zeros(like other: Tensor) throws(TorchError) -> Tensor {
        try zeros(other.shape, dtype: other.dtype, device: other.device)
    }

    /// Ones of the shape, element type and device of `other`.
    public static func ones(like other: Tensor) throws(TorchError) -> Tensor {
        try ones(other.shape, dtype: other.dtype, device: other.device)
    }

    /// The numbers 0 up to `count`, shape [count].
    public static func arange(
        _ count: Int, dtype: DType = .int64, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try device.requireAvailable()
        return try make(()) { ctorch_arange(Int64(count), dtype.code, device.code, $0, $1) }
    }

    /// A float32 tensor of `values`, which are in row-major order.
    ///
    /// - Throws: `TorchError` when `shape` does not have as many elements as `values`.
    public convenience init(
        _ values: [Float], shape: [Int], device: Device = .cpu
    ) throws(TorchError) {
        try self.init(elements: values, shape: shape, dtype: .float32, device: device)
    }

    /// A float64 tensor of `values`, which are in row-major order.
    ///
    /// - Throws: `TorchError` when `shape` does not have as many elements as `values`.
    public convenience init(
        doubles values: [Double], shape: [Int], device: Device = .cpu
    ) throws(TorchError) {
        try self.init(elements: values, shape: shape, dtype: .float64, device: device)
    }

    /// An int64 tensor of `values`, which are in row-major order.
    ///
    /// - Throws: `TorchError` when `shape` does not have as many elements as `values`.
    public convenience init(
        int64s values: [Int64], shape: [Int], device: Device = .cpu
    ) throws(TorchError) {
        try self.init(elements: values, shape: shape, dtype: .int64, device: device)
    }

    /// A tensor of the elements in `bytes`: row-major, in this machine's byte order, of type
    /// `dtype`. The bytes are copied.
    ///
    /// - Throws: `TorchError` when `bytes` is longer or shorter than `shape` needs.
    public convenience init(
        bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, device: Device = .cpu
    ) throws(TorchError) {
        self.init(owning: try Self.copy(bytes, shape: shape, dtype: dtype, device: device))
    }

    /// A tensor of the elements in `bytes`, as above.
    public convenience init(
        bytes: [UInt8], shape: [Int], dtype: DType = .uint8, device: Device = .cpu
    ) throws(TorchError) {
        try self.init(elements: bytes, shape: shape, dtype: dtype, device: device)
    }

    private convenience init<Element: BitwiseCopyable>(
        elements: [Element], shape: [Int], dtype: DType, device: Device
    ) throws(TorchError) {
        self.init(
            owning: try elements.withUnsafeBufferPointer { buffer throws(TorchError) in
                try Self.copy(
                    UnsafeRawBufferPointer(buffer), shape: shape, dtype: dtype, device: device)
            })
    }

    private static func copy(
        _ bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, device: Device
    ) throws(TorchError) -> OpaquePointer {
        try device.requireAvailable()
        return try makeHandle(()) {
            ctorch_from_bytes(
                bytes.baseAddress, bytes.count, shape, shape.count, dtype.code, device.code, $0, $1)
        }
    }
}
