import CTorch

// Operators and comparisons. Shapes broadcast as in NumPy and PyTorch. A number beside a tensor of
// integers makes the result float32.

private typealias BinaryFunction = (OpaquePointer?, OpaquePointer?, TensorAddress, MessageAddress)
    -> Int32
private typealias ScalarFunction = (OpaquePointer?, Double, TensorAddress, MessageAddress) -> Int32

private func binary(
    _ a: Tensor, _ b: Tensor, _ function: BinaryFunction
) throws(TorchError) -> Tensor {
    try make((a, b)) { function(a.handle, b.handle, $0, $1) }
}

private func scalar(
    _ a: Tensor, _ b: Double, _ function: ScalarFunction
) throws(TorchError) -> Tensor {
    try make(a) { function(a.handle, b, $0, $1) }
}

extension Tensor {
    /// Sum of the elements.
    public static func + (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try binary(a, b, ctorch_add)
    }

    /// Sum of each element and a number.
    public static func + (a: Tensor, b: Double) throws(TorchError) -> Tensor {
        try scalar(a, b, ctorch_add_scalar)
    }

    /// Sum of a number and each element.
    public static func + (a: Double, b: Tensor) throws(TorchError) -> Tensor {
        try scalar(b, a, ctorch_add_scalar)
    }

    /// Difference of the elements.
    public static func - (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try binary(a, b, ctorch_sub)
    }

    /// Difference of each element and a number.
    public static func - (a: Tensor, b: Double) throws(TorchError) -> Tensor {
        try scalar(a, b, ctorch_sub_scalar)
    }

    /// Difference of a number and each element.
    public static func - (a: Double, b: Tensor) throws(TorchError) -> Tensor {
        try scalar(b, a, ctorch_scalar_sub)
    }

    /// Product of the elements.
    public static func * (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try binary(a, b, ctorch_mul)
    }

    /// Product of each element and a number.
    public static func * (a: Tensor, b: Double) throws(TorchError) -> Tensor {
        try scalar(a, b, ctorch_mul_scalar)
    }

    /// Product of a number and each element.
    public static func * (a: Double, b: Tensor) throws(TorchError) -> Tensor {
        try scalar(b, a, ctorch_mul_scalar)
    }

    /// Quotient of the elements.
    public static func / (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try binary(a, b, ctorch_div)
    }

    /// Quotient of each element and a number.
    public static func / (a: Tensor, b: Double) throws(TorchError) -> Tensor {
        try scalar(a, b, ctorch_div_scalar)
    }

    /// Quotient of a number and each element.
    public static func / (a: Double, b: Tensor) throws(TorchError) -> Tensor {
        try scalar(b, a, ctorch_scalar_div)
    }

    /// The elements with the other sign.
    public static prefix func - (x: Tensor) throws(TorchError) -> Tensor {
        try make(x) { ctorch_neg(x.handle, $0, $1) }
    }

    /// Each element to the power `exponent`.
    public func pow(_ exponent: Double) throws(TorchError) -> Tensor {
        try scalar(self, exponent, ctorch_pow_scalar)
    }

    /// Each element to the power of the other tensor's element.
    public func pow(_ exponent: Tensor) throws(TorchError) -> Tensor {
        try binary(self, exponent, ctorch_pow)
    }

    /// The greater of two elements; NaN if one is.
    public func maximum(_ other: Tensor) throws(TorchError) -> Tensor {
        try binary(self, other, ctorch_maximum)
    }

    /// The lesser of two elements; NaN if one is.
    public func minimum(_ other: Tensor) throws(TorchError) -> Tensor {
        try binary(self, other, ctorch_minimum)
    }

    /// Product of matrices: [n, k] by [k, m] gives [n, m]; batches and vectors as in PyTorch.
    public func matmul(_ other: Tensor) throws(TorchError) -> Tensor {
        try binary(self, other, ctorch_matmul)
    }

    /// Where `self >= other`, as booleans.
    public func ge(_ other: Tensor) throws(TorchError) -> Tensor {
        try binary(self, other, ctorch_ge)
    }

    /// Where `self >= other`, as booleans.
    public func ge(_ other: Double) throws(TorchError) -> Tensor {
        try scalar(self, other, ctorch_ge_scalar)
    }

    /// Where `self > other`, as booleans.
    public func gt(_ other: Tensor) throws(TorchError) -> Tensor {
        try binary(self, other, ctorch_gt)
    }

    /// Where `self > other`, as booleans.
    public func gt(_ other: Double) throws(TorchError) -> Tensor {
        try scalar(self, other, ctorch_gt_scalar)
    }

    /// Where `self <= other`, as booleans.
    public func le(_ other: Tensor) throws(TorchError) -> Tensor {
        try binary(self, other, ctorch_le)
    }

    /// Where `self <= other`, as booleans.
    public func le(_ other: Double) throws(TorchError) -> Tensor {
        try scalar(self, other, ctorch_le_scalar)
    }

    /// Where `self < other`, as booleans.
    public func lt(_ other: Tensor) throws(TorchError) -> Tensor {
        try binary(self, other, ctorch_lt)
    }

    /// Where `self < other`, as booleans.
    public func lt(_ other: Double) throws(TorchError) -> Tensor {
        try scalar(self, other, ctorch_lt_scalar)
    }

    /// Where `self == other`, as booleans.
    public func eq(_ other: Tensor) throws(TorchError) -> Tensor {
        try binary(self, other, ctorch_eq)
    }

    /// Where `self == other`, as booleans.
    public func eq(_ other: Double) throws(TorchError) -> Tensor {
        try scalar(self, other, ctorch_eq_scalar)
    }

    /// Elements of `a` where `condition` (booleans) holds, of `b` elsewhere.
    public static func `where`(
        _ condition: Tensor, _ a: Tensor, _ b: Tensor
    ) throws(TorchError) -> Tensor {
        try make((condition, a, b)) {
            ctorch_where(condition.handle, a.handle, b.handle, $0, $1)
        }
    }
}
