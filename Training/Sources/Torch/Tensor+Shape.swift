import CTorch

extension Tensor {
    /// The elements in row-major order under another shape; one extent may be -1. Shares storage
    /// if it can, copies otherwise.
    public func reshape(_ shape: [Int]) throws(TorchError) -> Tensor {
        try make(self) { ctorch_reshape(handle, shape, shape.count, $0, $1) }
    }

    /// As `reshape`, always on the same storage.
    ///
    /// - Throws: `TorchError` when the layout in memory does not allow it.
    public func view(_ shape: [Int]) throws(TorchError) -> Tensor {
        try make(self) { ctorch_view(handle, shape, shape.count, $0, $1) }
    }

    /// Dimensions of extent 1 repeated to `shape`, without copying; -1 keeps an extent.
    public func expand(_ shape: [Int]) throws(TorchError) -> Tensor {
        try make(self) { ctorch_expand(handle, shape, shape.count, $0, $1) }
    }

    /// The dimensions in another order: dimension i of the result is dimension `dims[i]` of this.
    public func permute(_ dims: [Int]) throws(TorchError) -> Tensor {
        try make(self) { ctorch_permute(handle, dims, dims.count, $0, $1) }
    }

    /// Two dimensions exchanged.
    public func transpose(_ a: Int, _ b: Int) throws(TorchError) -> Tensor {
        try make(self) { ctorch_transpose(handle, a, b, $0, $1) }
    }

    /// The elements reversed along each of `dims`.
    public func flip(_ dims: [Int]) throws(TorchError) -> Tensor {
        try make(self) { ctorch_flip(handle, dims, dims.count, $0, $1) }
    }

    /// Dimensions `first` and following as one.
    public func flatten(from first: Int = 0) throws(TorchError) -> Tensor {
        try make(self) { ctorch_flatten(handle, first, $0, $1) }
    }

    /// A new dimension of extent 1 at `dim`.
    public func unsqueeze(_ dim: Int) throws(TorchError) -> Tensor {
        try make(self) { ctorch_unsqueeze(handle, dim, $0, $1) }
    }

    /// Without dimension `dim` if its extent is 1; unchanged otherwise.
    public func squeeze(_ dim: Int) throws(TorchError) -> Tensor {
        try make(self) { ctorch_squeeze(handle, dim, $0, $1) }
    }

    /// The slices `start` up to `start + length` of dimension `dim`, on the same storage.
    public func narrow(dim: Int, start: Int, length: Int) throws(TorchError) -> Tensor {
        try make(self) { ctorch_narrow(handle, dim, start, length, $0, $1) }
    }

    /// Slice `index` of dimension `dim`, which disappears; on the same storage.
    public func select(dim: Int, index: Int) throws(TorchError) -> Tensor {
        try make(self) { ctorch_select(handle, dim, index, $0, $1) }
    }

    /// The slices of dimension `dim` that `index` (int64, [n]) names, copied.
    public func indexSelect(dim: Int, _ index: Tensor) throws(TorchError) -> Tensor {
        try make((self, index)) { ctorch_index_select(handle, dim, index.handle, $0, $1) }
    }

    /// Picks along `dim`: element [i, j] of the result is element [index[i, j], j] for `dim` 0,
    /// [i, index[i, j]] for `dim` 1. Has the shape of `index` (int64).
    public func gather(dim: Int, _ index: Tensor) throws(TorchError) -> Tensor {
        try make((self, index)) { ctorch_gather(handle, dim, index.handle, $0, $1) }
    }

    /// This tensor with slice i of `source` added to slice `index[i]` of dimension `dim`.
    public func indexAdd(
        dim: Int, _ index: Tensor, _ source: Tensor
    ) throws(TorchError) -> Tensor {
        try make((self, index, source)) {
            ctorch_index_add(handle, dim, index.handle, source.handle, $0, $1)
        }
    }

    /// The tensors one after the other along the existing dimension `dim`.
    public static func cat(_ tensors: [Tensor], dim: Int = 0) throws(TorchError) -> Tensor {
        let handles: [OpaquePointer?] = tensors.map(\.handle)
        return try make(tensors) { ctorch_cat(handles, handles.count, dim, $0, $1) }
    }

    /// The tensors, all of one shape, side by side along a new dimension `dim`.
    public static func stack(_ tensors: [Tensor], dim: Int = 0) throws(TorchError) -> Tensor {
        let handles: [OpaquePointer?] = tensors.map(\.handle)
        return try make(tensors) { ctorch_stack(handles, handles.count, dim, $0, $1) }
    }

    /// What is written around a tensor by `pad`.
    public enum Padding: Sendable, Equatable {
        /// One value everywhere.
        case constant(Double)
        /// The tensor mirrored at its outermost elements, which are not repeated.
        case reflect
        /// The outermost elements repeated.
        case replicate
        /// The other end of the tensor.
        case circular
    }

    /// The tensor with a border.
    ///
    /// - Parameters:
    ///   - widths: how much before and after, from the last dimension backwards: `[left, right]`
    ///     or `[left, right, top, bottom]` and so on.
    ///   - mode: what the border holds.
    public func pad(
        _ widths: [Int], mode: Padding = .constant(0)
    ) throws(TorchError) -> Tensor {
        let (name, value) =
            switch mode {
            case .constant(let value): ("constant", value)
            case .reflect: ("reflect", 0)
            case .replicate: ("replicate", 0)
            case .circular: ("circular", 0)
            }
        return try make(self) { ctorch_pad(handle, widths, widths.count, name, value, $0, $1) }
    }
}
