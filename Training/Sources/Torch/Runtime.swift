import CTorch

/// The version of LibTorch that this was built with.
public var torchVersion: String { String(cString: ctorch_version()) }

/// How many threads an operation on the processor uses.
public var threads: Int { Int(ctorch_threads()) }

/// Sets how many threads an operation on the processor uses. Sums are cut into as many parts, so
/// results are bit-identical only for the same number. Holds for the calling thread and for those
/// that have not yet computed anything, so call it first.
///
/// - Throws: `TorchError` of code `argument` unless `count` is in 1...1024.
public func setThreads(_ count: Int) throws(TorchError) {
    guard (1...1024).contains(count) else {
        throw TorchError(.argument, "number of threads: expected 1 to 1024, found \(count)")
    }
    try check(()) { ctorch_set_threads(Int32(count), $0) }
}

/// How many threads share a loop of the fused operations: those that are set, or 1 where LibTorch runs on another
/// OpenMP runtime than GCC's, as on macOS.
public var loopThreads: Int { Int(ctorch_loop_threads()) }

/// Keeps the memory of large tensors that are freed for what asks next, in the whole process; on Linux only. Training
/// asks for the same sizes step after step, and the system clears every page that it gives. Call it before the first
/// tensor.
public func keepFreedMemory() { ctorch_keep_freed_memory() }

/// Whether operations without a deterministic implementation on their device throw. Most have one;
/// those on the processor are deterministic in any case. CUDA also wants the environment variable
/// `CUBLAS_WORKSPACE_CONFIG` to be `:4096:8`.
public func setDeterministic(_ flag: Bool) throws(TorchError) {
    try check(()) { ctorch_set_deterministic(flag, $0) }
}

/// What tensors hold of a device's memory, in bytes: of a CUDA device, or of the processor, large tensors alone, once
/// `keepFreedMemory` was called.
public struct DeviceMemory: Sendable, Equatable {
    /// In tensors now.
    public let allocated: Int
    /// The most there ever was in tensors.
    public let peak: Int
    /// Taken from the driver or the system, used or not.
    public let reserved: Int

    /// The statistics of `device`.
    ///
    /// - Throws: `TorchError` of code `device` when it is not available, or when there is no such account of it.
    public init(of device: Device) throws(TorchError) {
        var (allocated, peak, reserved): (Int64, Int64, Int64) = (0, 0, 0)
        switch device {
        case .cuda:
            try device.requireAvailable()
            try check(()) { ctorch_memory(device.code, &allocated, &peak, &reserved, $0) }
        case .cpu where ctorch_kept_memory(&allocated, &peak, &reserved): break
        case .cpu, .mps:
            throw TorchError(
                .device,
                "memory statistics exist for cuda devices, and for the cpu under Linux after keepFreedMemory(); "
                    + "not for \(device)")
        }
        self.allocated = Int(allocated)
        self.peak = Int(peak)
        self.reserved = Int(reserved)
    }
}
