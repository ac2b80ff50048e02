import CTorch

extension Tensor {
    /// The elements in row-major order, converted to single precision.
    public func floats() throws(TorchError) -> [Float] {
        try elements(as: .float32, zero: Float(0))
    }

    /// The elements in row-major order, converted to double precision.
    public func doubles() throws(TorchError) -> [Double] {
        try elements(as: .float64, zero: Double(0))
    }

    /// The elements in row-major order, of a tensor of integers or booleans.
    ///
    /// - Throws: `TorchError` of code `argument` for floating-point tensors: rounding is the
    ///   caller's decision.
    public func int64s() throws(TorchError) -> [Int64] {
        guard !dtype.isFloatingPoint else {
            throw TorchError(.argument, "int64s of \(self): convert it with to(.int64) first")
        }
        return try elements(as: .int64, zero: Int64(0))
    }

    /// The memory of the elements in row-major order, in this machine's byte order.
    public func bytes() throws(TorchError) -> [UInt8] {
        try elements(as: dtype, zero: UInt8(0))
    }

    /// The value of a tensor of one element.
    ///
    /// - Throws: `TorchError` when there are more or none.
    public func item() throws(TorchError) -> Double {
        var value = 0.0
        try check(self) { ctorch_item(handle, &value, $0) }
        return value
    }

    /// Whether every element is a number, neither infinite nor NaN.
    public func allFinite() throws(TorchError) -> Bool {
        var finite = false
        try check(self) { ctorch_all_finite(handle, &finite, $0) }
        return finite
    }

    /// Whether `other` has the same element type, shape and values (0 equals -0, NaN nothing).
    public func equals(_ other: Tensor) throws(TorchError) -> Bool {
        var equal = false
        try check((self, other)) { ctorch_equal(handle, other.handle, &equal, $0) }
        return equal
    }

    /// A tensor of this one's elements on `device`; the same tensor if they are there already.
    ///
    /// - Throws: `TorchError` of code `device` when it is not available.
    public func to(_ device: Device) throws(TorchError) -> Tensor {
        try device.requireAvailable()
        return try make(self) { ctorch_to_device(handle, device.code, $0, $1) }
    }

    /// A tensor of this one's elements converted to `dtype`; the same storage if they are already.
    public func to(_ dtype: DType) throws(TorchError) -> Tensor {
        try make(self) { ctorch_to_dtype(handle, dtype.code, $0, $1) }
    }

    /// The same values without gaps, in row-major order or, with `channelsLast`, in the order
    /// N, H, W, C, in which the processor's convolutions are fastest. Shares storage if it can.
    public func contiguous(channelsLast: Bool = false) throws(TorchError) -> Tensor {
        try make(self) { ctorch_contiguous(handle, channelsLast, $0, $1) }
    }

    /// A copy with storage of its own. Gradients flow through it; see `detached`.
    public func clone() throws(TorchError) -> Tensor {
        try make(self) { ctorch_clone(handle, $0, $1) }
    }

    private func elements<Element: BitwiseCopyable>(
        as dtype: DType, zero: Element
    ) throws(TorchError) -> [Element] {
        // Converted on the processor: not every device has every element type.
        let source = self.dtype == dtype ? self : try to(.cpu).to(dtype)
        let size = source.count * dtype.size
        var values = [Element](repeating: zero, count: size / MemoryLayout<Element>.stride)
        try values.withUnsafeMutableBufferPointer { buffer throws(TorchError) in
            let memory = UnsafeMutableRawBufferPointer(buffer)
            try check(source) { ctorch_to_bytes(source.handle, memory.baseAddress, size, $0) }
        }
        return values
    }
}
