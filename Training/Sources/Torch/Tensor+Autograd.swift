import CTorch

extension Tensor {
    /// Whether operations on this tensor are recorded for `backward`.
    public var requiresGradient: Bool { ctorch_requires_gradient(handle) }

    /// Sets whether operations on this tensor are recorded, and returns the same tensor.
    ///
    /// - Throws: `TorchError` for a tensor that is the result of recorded operations, or not of
    ///   floating point.
    @discardableResult
    public func requiresGradient(_ flag: Bool) throws(TorchError) -> Tensor {
        try check(self) { ctorch_set_requires_gradient(handle, flag, $0) }
        return self
    }

    /// The same storage, cut off from what was recorded.
    public func detached() throws(TorchError) -> Tensor {
        try make(self) { ctorch_detach(handle, $0, $1) }
    }

    /// The gradient that `backward` has added up in this leaf; nil if none. Setting nil frees it.
    ///
    /// It is the accumulator itself: clone it to keep it past the next `backward`.
    public var grad: Tensor? {
        var result: OpaquePointer?
        var message: UnsafeMutablePointer<CChar>?
        // Fails only when memory for one pointer runs out.
        guard withExtendedLifetime(self, { ctorch_gradient(handle, &result, &message) }) == 0
        else {
            ctorch_free_message(message)
            return nil
        }
        return result.map(Tensor.init(owning:))
    }

    /// Replaces the gradient; nil frees it.
    ///
    /// - Throws: `TorchError` when the shapes differ.
    public func setGrad(_ gradient: Tensor?) throws(TorchError) {
        try check((self, gradient)) { ctorch_set_gradient(handle, gradient?.handle, $0) }
    }

    /// The same values, whose gradient becomes what `map` makes of it before it reaches this tensor.
    ///
    /// - Parameter map: of a gradient to one of the same shape; nothing that it does is recorded. Called in
    ///   each `backward` that gets here, which throws what it throws, on a thread of LibTorch's where the
    ///   tensor is on a GPU: it may use nothing that another thread changes meanwhile.
    public func mappingGradient(
        _ map: @escaping (Tensor) throws(TorchError) -> Tensor
    ) throws(TorchError) -> Tensor {
        let context = Unmanaged.passRetained(GradientMap(map)).toOpaque()
        return try make(self) { result, message in
            ctorch_map_gradient(
                handle, context,
                { context, gradient, result, message in
                    guard let context, let gradient, let result else { return 1 }
                    let map = Unmanaged<GradientMap>.fromOpaque(context).takeUnretainedValue()
                    do throws(TorchError) {
                        let mapped = try map.map(Tensor(owning: gradient))
                        withExtendedLifetime(mapped) { ctorch_share(result, mapped.handle) }
                        return 0
                    } catch {
                        message?.pointee = ctorch_message(error.message)
                        return 1
                    }
                },
                { context in
                    if let context { Unmanaged<GradientMap>.fromOpaque(context).release() }
                },
                result, message)
        }
    }

    /// Adds to the `grad` of every leaf the derivative of this tensor.
    ///
    /// - Parameters:
    ///   - gradient: what to multiply the derivative by, of this tensor's shape; 1 for a scalar.
    ///   - retainGraph: whether the record is kept, to call this once more.
    public func backward(
        _ gradient: Tensor? = nil, retainGraph: Bool = false
    ) throws(TorchError) {
        try check((self, gradient)) {
            ctorch_backward(handle, gradient?.handle, retainGraph, $0)
        }
    }
}

/// Runs `body` without recording operations, and restores the former mode however it ends.
///
/// The mode belongs to the thread; that is why `body` is synchronous: an `await` could resume on
/// another one. In-place operations are allowed only in here.
public func withoutGradient<R, Failure: Error>(
    _ body: () throws(Failure) -> R
) throws(Failure) -> R {
    let before = ctorch_set_gradient_mode(false)
    defer { _ = ctorch_set_gradient_mode(before) }
    return try body()
}

/// Whether this thread records operations on tensors that require gradients.
public var recordsGradients: Bool { ctorch_gradient_mode() }

/// What a hook of LibTorch's keeps of a Swift function.
private final class GradientMap {
    let map: (Tensor) throws(TorchError) -> Tensor

    init(_ map: @escaping (Tensor) throws(TorchError) -> Tensor) { self.map = map }
}
