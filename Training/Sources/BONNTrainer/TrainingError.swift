/// What goes wrong while a training is configured, fed, run, saved or resumed.
///
/// The message is one line that names the place, what was expected, what was found, and, where it
/// helps, what to do.
public struct TrainingError: Error, Equatable, CustomStringConvertible {
    /// The kinds of failure that a caller may want to tell apart.
    public enum Code: String, Sendable {
        /// A recipe or an option: unknown key, unknown value, value out of range, contradiction.
        case configuration
        /// Images or labels that cannot be read or do not fit the configuration.
        case data
        /// A file or folder that cannot be read or written.
        case file
        /// No space left while saving; what was saved before is untouched.
        case diskFull
        /// A run directory in which another process trains.
        case busy
        /// A checkpoint that is damaged or belongs to another network or run.
        case checkpoint
        /// A loss or a parameter that is NaN or infinite.
        case notFinite
        /// LibTorch refused an operation, or the device is missing.
        case computation
    }

    /// The kind of failure.
    public let code: Code
    /// One line for a person.
    public let message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }

    /// Errors are equal when their codes are.
    public static func == (left: TrainingError, right: TrainingError) -> Bool {
        left.code == right.code
    }

    /// Any error as a training error: itself, or its description under the given code.
    static func wrapping(_ error: any Error, as code: Code) -> TrainingError {
        error as? TrainingError ?? TrainingError(code, "\(error)")
    }
}
