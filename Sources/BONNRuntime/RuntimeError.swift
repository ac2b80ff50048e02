/// What went wrong while loading or running a model.
public struct RuntimeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One code for each way to fail; the raw value is stable and may be used by scripts.
    public enum Code: String, Sendable, CaseIterable {
        /// No file has this path.
        case fileNotFound = "file_not_found"
        /// The path is a directory, a device, a pipe.
        case notAFile = "not_a_file"
        /// The file cannot be opened or read.
        case unreadableFile = "unreadable_file"
        /// The file is larger than any model that this runtime takes.
        case fileTooLarge = "file_too_large"
        /// The file is no valid model; the message is the validator's.
        case invalidModel = "invalid_model"
        /// No kernel set of this build has this name.
        case unknownKernelSet = "unknown_kernel_set"
        /// The kernel set exists, but this processor or operating system cannot run it.
        case unsupportedKernelSet = "unsupported_kernel_set"
        /// A session's number of threads or images is out of range.
        case invalidOption = "invalid_option"
        /// The input has the wrong number of elements, or the output has no room.
        case wrongLength = "wrong_length"
        /// The input is real where the network reads bytes, or the other way round.
        case wrongElement = "wrong_element"
        /// No value of the graph has this name.
        case unknownValue = "unknown_value"
        /// The model, or a session of it, asks for more than its limits allow.
        case limitExceeded = "limit_exceeded"
        /// The run was cancelled.
        case cancelled = "cancelled"
        /// The system gave no memory.
        case outOfMemory = "out_of_memory"
        /// The system started no thread.
        case threadsUnavailable = "threads_unavailable"
    }

    /// Which way.
    public let code: Code
    /// One line for a person: where, what was expected, what was found, what to do.
    public let message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message and the code.
    public var description: String { "\(message) [\(code.rawValue)]" }
}
