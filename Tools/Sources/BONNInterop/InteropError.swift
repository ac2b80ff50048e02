/// Why a file of another tool could not be read, or a model not written for one: one line for a person.
public struct InteropError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: String, Sendable {
        /// The file is not of the format that it is taken for.
        case notRecognised
        /// A file of the format that is cut, damaged, or lies about its sizes.
        case malformed
        /// Something that the format allows and that is not read, or never executed.
        case refused
        /// More memory, depth or entries than a file of its size can need.
        case limitExceeded
        /// Weights are missing, left over, or of another shape than the network's.
        case mismatch
        /// The other side has no operation that computes the same.
        case unsupported
    }

    /// The kind of failure.
    public let code: Code
    /// What, where, expected, found, what to do.
    public let message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
