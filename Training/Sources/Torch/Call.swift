import CTorch

// The one place where calls into CTorch become Swift values and errors. `package`, because module
// BONN's fused operations are further C functions of the same form.

/// Where a C function leaves its message.
package typealias MessageAddress = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// Where a C function leaves a new tensor.
package typealias TensorAddress = UnsafeMutablePointer<OpaquePointer?>

/// Runs a C function that returns 0 or 1 and, with 1, a message.
///
/// - Parameters:
///   - inputs: the tensors (or a tuple or an array of them) whose handles `call` uses. They are
///     kept alive until it returns; without this the optimiser may free a temporary as soon as its
///     handle has been read.
///   - call: the call, given the address for the message.
/// - Throws: `TorchError` of code `operation` with the function's message.
package func check<Inputs>(
    _ inputs: Inputs, _ call: (MessageAddress) -> Int32
) throws(TorchError) {
    var message: UnsafeMutablePointer<CChar>?
    let status = withExtendedLifetime(inputs) { call(&message) }
    guard status != 0 else { return }
    defer { ctorch_free_message(message) }
    throw TorchError(.operation, message.map { String(cString: $0) } ?? "out of memory")
}

/// Runs a C function that makes a tensor.
///
/// - Parameters:
///   - inputs: the tensors whose handles `call` uses, see `check`.
///   - call: the call, given the addresses for the result and for the message.
/// - Throws: `TorchError` of code `operation` with the function's message.
package func make<Inputs>(
    _ inputs: Inputs, _ call: (TensorAddress, MessageAddress) -> Int32
) throws(TorchError) -> Tensor {
    Tensor(owning: try makeHandle(inputs, call))
}

/// As `make`, for what is not a tensor or becomes one in an initialiser.
func makeHandle<Inputs>(
    _ inputs: Inputs, _ call: (TensorAddress, MessageAddress) -> Int32
) throws(TorchError) -> OpaquePointer {
    var result: OpaquePointer?
    try check(inputs) { call(&result, $0) }
    return try present(result)
}

/// What a C function that succeeded left in `result`.
func present(_ result: OpaquePointer?) throws(TorchError) -> OpaquePointer {
    guard let result else {
        throw TorchError(.operation, "the C function reported success and left no result")
    }
    return result
}
