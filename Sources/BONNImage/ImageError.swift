/// What went wrong with an image in memory.
public struct ImageError: Error, Equatable, CustomStringConvertible {
    /// The kind of problem, for programs.
    public enum Code: String, Sendable {
        /// A rectangle reaches outside the image or is empty.
        case outsideImage
        /// The image or the buffer does not have the size that is asked for.
        case sizeMismatch
        /// The preprocessing rule contradicts itself.
        case invalidPreprocessing
    }
    /// The kind of problem.
    public let code: Code
    /// One line for people: what, expected, found.
    public let message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
