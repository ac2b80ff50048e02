import CTorch

/// A stream of pseudo-random numbers on one device, the same for the same seed, LibTorch and kind
/// of device. Draws from no shared state and leaves none.
///
/// The processor's is the Mersenne Twister of PyTorch: `torch.Generator().manual_seed(seed)` gives
/// the same numbers. Of the seed it takes the lower 32 bits.
public final class Generator {
    let handle: OpaquePointer
    /// Where the numbers are drawn.
    public let device: Device

    /// A stream that starts from `seed`.
    ///
    /// - Throws: `TorchError` of code `device` when it is not available.
    public init(seed: UInt64, device: Device = .cpu) throws(TorchError) {
        try device.requireAvailable()
        self.device = device
        handle = try makeHandle(()) { ctorch_generator_create(seed, device.code, $0, $1) }
    }

    deinit {
        ctorch_generator_free(handle)
    }

    /// Where in the stream this generator is, for a checkpoint.
    public func state() throws(TorchError) -> [UInt8] {
        try make(self) { ctorch_generator_state(handle, $0, $1) }.bytes()
    }

    /// Continues from a state that `state()` gave for the same kind of device.
    ///
    /// - Throws: `TorchError` of code `state` when it is none; the generator is then unchanged.
    public func restore(_ state: [UInt8]) throws(TorchError) {
        let bytes = try Tensor(bytes: state, shape: [state.count])
        do throws(TorchError) {
            try check((self, bytes)) { ctorch_generator_set_state(handle, bytes.handle, $0) }
        } catch {
            throw TorchError(.state, error.message)
        }
    }

    /// Normally distributed numbers.
    public func normal(
        _ shape: [Int], mean: Double = 0, std: Double = 1, dtype: DType = .float32
    ) throws(TorchError) -> Tensor {
        try make(self) {
            ctorch_normal(
                shape, shape.count, mean, std, dtype.code, device.code, handle, $0, $1)
        }
    }

    /// Evenly distributed numbers, `low` included, `high` not.
    public func uniform(
        _ shape: [Int], low: Double = 0, high: Double = 1, dtype: DType = .float32
    ) throws(TorchError) -> Tensor {
        try make(self) {
            ctorch_uniform(
                shape, shape.count, low, high, dtype.code, device.code, handle, $0, $1)
        }
    }

    /// 1 with `probability`, else 0.
    public func bernoulli(
        _ shape: [Int], probability: Double, dtype: DType = .float32
    ) throws(TorchError) -> Tensor {
        try make(self) {
            ctorch_bernoulli(
                shape, shape.count, probability, dtype.code, device.code, handle, $0, $1)
        }
    }

    /// The numbers 0..<count in random order (int64).
    public func permutation(_ count: Int) throws(TorchError) -> Tensor {
        try make(self) { ctorch_permutation(Int64(count), device.code, handle, $0, $1) }
    }
}
