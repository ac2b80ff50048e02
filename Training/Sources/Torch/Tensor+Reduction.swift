import CTorch

// Reductions. Those over `dims` drop these dimensions, or leave them with extent 1 if `keep` is
// true.

extension Tensor {
    /// Sum of all elements, a scalar.
    public func sum() throws(TorchError) -> Tensor {
        try make(self) { ctorch_sum(handle, $0, $1) }
    }

    /// Sums over `dims`.
    public func sum(_ dims: [Int], keep: Bool = false) throws(TorchError) -> Tensor {
        try requireDimensions(dims, "sum")
        return try make(self) { ctorch_sum_dims(handle, dims, dims.count, keep, $0, $1) }
    }

    /// Mean of all elements, a scalar.
    public func mean() throws(TorchError) -> Tensor {
        try make(self) { ctorch_mean(handle, $0, $1) }
    }

    /// Means over `dims`.
    public func mean(_ dims: [Int], keep: Bool = false) throws(TorchError) -> Tensor {
        try requireDimensions(dims, "mean")
        return try make(self) { ctorch_mean_dims(handle, dims, dims.count, keep, $0, $1) }
    }

    /// Variances over `dims`: divided by n - 1 if `unbiased`, else by n.
    public func variance(
        _ dims: [Int], unbiased: Bool = true, keep: Bool = false
    ) throws(TorchError) -> Tensor {
        try requireDimensions(dims, "variance")
        return try make(self) {
            ctorch_variance(handle, dims, dims.count, unbiased, keep, $0, $1)
        }
    }

    /// Greatest elements over `dims`; the gradient is shared equally among equals.
    public func amax(_ dims: [Int], keep: Bool = false) throws(TorchError) -> Tensor {
        try requireDimensions(dims, "amax")
        return try make(self) { ctorch_amax(handle, dims, dims.count, keep, $0, $1) }
    }

    /// Least elements over `dims`; the gradient is shared equally among equals.
    public func amin(_ dims: [Int], keep: Bool = false) throws(TorchError) -> Tensor {
        try requireDimensions(dims, "amin")
        return try make(self) { ctorch_amin(handle, dims, dims.count, keep, $0, $1) }
    }

    /// Square root of the sum of all squares, a scalar.
    public func norm() throws(TorchError) -> Tensor {
        try make(self) { ctorch_norm(handle, $0, $1) }
    }

    /// Where the greatest element along `dim` is (int64).
    public func argmax(dim: Int, keep: Bool = false) throws(TorchError) -> Tensor {
        try make(self) { ctorch_argmax(handle, dim, keep, $0, $1) }
    }

    /// The `k` greatest elements along `dim`, in descending order, and where they are (int64).
    public func topk(
        _ k: Int, dim: Int = -1
    ) throws(TorchError) -> (values: Tensor, indices: Tensor) {
        var indices: OpaquePointer?
        let values = try make(self) { ctorch_topk(handle, k, dim, $0, &indices, $1) }
        return (values, Tensor(owning: try present(indices)))
    }

    /// exp(x) divided by its sum along `dim`.
    public func softmax(dim: Int) throws(TorchError) -> Tensor {
        try make(self) { ctorch_softmax(handle, dim, $0, $1) }
    }

    /// Logarithm of the softmax along `dim`.
    public func logSoftmax(dim: Int) throws(TorchError) -> Tensor {
        try make(self) { ctorch_log_softmax(handle, dim, $0, $1) }
    }

    /// LibTorch takes an empty list for "all dimensions", so that a list computed to be empty would
    /// reduce everything without a word.
    private func requireDimensions(_ dims: [Int], _ operation: String) throws(TorchError) {
        guard dims.isEmpty, rank > 0 else { return }
        throw TorchError(
            .argument, "\(operation) of \(self): the list of dimensions to reduce is empty")
    }
}
