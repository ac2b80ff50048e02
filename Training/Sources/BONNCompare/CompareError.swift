/// What can go wrong with a comparison as a whole; what goes wrong with one recipe is in its row.
public struct CompareError: Error, Equatable, CustomStringConvertible {
    /// The kind of error.
    public enum Code: String, Sendable {
        /// What was asked for contradicts itself.
        case request
        /// A file cannot be read as what it should be.
        case format
    }
    /// The kind of error.
    public let code: Code
    /// One line for a person.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
