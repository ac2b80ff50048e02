/// A network that cannot be planned; the message says where, what was expected and what was found.
public struct PlanError: Error, Equatable, CustomStringConvertible {
    /// The message.
    public let message: String

    /// Creates an error.
    public init(_ message: String) { self.message = message }

    /// The message.
    public var description: String { message }
}
