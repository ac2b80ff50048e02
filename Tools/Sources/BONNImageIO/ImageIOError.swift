/// Why an image file could not be read or written: one line that begins with the file.
public struct ImageIOError: Error, Equatable, CustomStringConvertible {
    /// The kind of problem, for programs.
    public enum Code: String, Sendable {
        /// There is no file of that name, or it is not a plain file, or it may not be read.
        case unreadable
        /// The file is empty or is neither JPEG nor PNG.
        case notAnImage
        /// The file is damaged, ends too early, or uses a variant of its format that is not read.
        case undecodable
        /// The image has more pixels than allowed.
        case tooLarge
        /// The file could not be written.
        case unwritable
    }
    /// The kind of problem.
    public let code: Code
    /// The file, as the caller named it.
    public let path: String
    /// What is wrong with it.
    public let reason: String

    /// Creates an error.
    public init(_ code: Code, path: String, reason: String) {
        self.code = code
        self.path = path
        self.reason = reason
    }

    /// `path: reason`.
    public var description: String { "\(path): \(reason)" }
}
