import CTorch

// Changes in place, which every view of the storage sees: for parameters, running statistics and
// optimiser state. Each throws outside of `withoutGradient`, where it would be recorded.

extension Tensor {
    /// Overwrites the elements with those of `source`, which may have another type or device.
    ///
    /// - Throws: `TorchError` when the shapes differ; nothing is broadcast.
    public func copy_(from source: Tensor) throws(TorchError) {
        try check((self, source)) { ctorch_copy_(handle, source.handle, $0) }
    }

    /// Adds `scale` times `other`.
    public func add_(_ other: Tensor, scale: Double = 1) throws(TorchError) {
        try check((self, other)) { ctorch_add_(handle, other.handle, scale, $0) }
    }

    /// Multiplies every element by `factor`.
    public func mul_(_ factor: Double) throws(TorchError) {
        try check(self) { ctorch_mul_(handle, factor, $0) }
    }

    /// Sets every element to `value`.
    public func fill_(_ value: Double) throws(TorchError) {
        try check(self) { ctorch_fill_(handle, value, $0) }
    }

    /// Sets every element to 0.
    public func zero_() throws(TorchError) { try fill_(0) }

    /// Limits every element to `min...max`.
    public func clamp_(min: Double, max: Double) throws(TorchError) {
        try check(self) { ctorch_clamp_(handle, min, max, $0) }
    }

    /// Moves every element towards that of `end`: x + weight (end - x).
    public func lerp_(_ end: Tensor, weight: Double) throws(TorchError) {
        try check((self, end)) { ctorch_lerp_(handle, end.handle, weight, $0) }
    }
}
