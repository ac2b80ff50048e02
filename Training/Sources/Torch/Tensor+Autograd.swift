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
