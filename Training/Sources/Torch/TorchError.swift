/// What went wrong in a tensor operation, on a device, or with an optimiser's state.
///
/// Two errors are equal when their codes are.
public struct TorchError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: String, Sendable {
        /// LibTorch refused the operation: shapes, element types, indices, memory.
        case operation
        /// The device does not exist, or this LibTorch cannot use it.
        case device
        /// A value given to this module is outside of its range.
        case argument
        /// Saved state does not fit what it is loaded into.
        case state
    }

    /// The kind of failure.
    public let code: Code
    /// What, where, expected, found. Of LibTorch's errors: `operation(dtype [shape], ...): text`.
    public let message: String

    /// An error of kind `code`.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }

    /// Whether the codes are equal.
    public static func == (a: TorchError, b: TorchError) -> Bool { a.code == b.code }
}
