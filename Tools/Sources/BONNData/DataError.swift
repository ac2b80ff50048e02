import BONNModelFormat
import Foundation

/// Why a data set could not be opened, read, downloaded or written: one line for a person.
public struct DataError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: String, Sendable {
        /// A file or folder does not exist.
        case notFound
        /// A file or folder exists but cannot be read.
        case unreadable
        /// A folder holds none of the formats.
        case notRecognised
        /// A file begins with other bytes than its format's.
        case badMagic
        /// A file ends too early.
        case truncated
        /// A file is longer than its format allows.
        case oversized
        /// A file or folder has a name that is not text.
        case badName
        /// A label is not one of the classes.
        case badLabel
        /// A list of class names is wrong, or two splits disagree on the classes.
        case badClasses
        /// A header states an impossible count or image size.
        case badShape
        /// A split or a class holds no image.
        case noImages
        /// An image file cannot be decoded.
        case brokenImage
        /// An option has a value that cannot be.
        case invalidOption
        /// A download failed.
        case network
        /// A downloaded archive is not the published one.
        case checksum
        /// An archive cannot be unpacked.
        case archive
        /// A file or folder cannot be written.
        case unwritable
        /// A program of the system that is needed cannot be run.
        case program
    }

    /// The kind of failure.
    public let code: Code
    /// One line: where, what was expected, what was found, what to do.
    public let message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// What the system refuses: where, what cannot be done, and the system's reason.
    package init(_ code: Code, _ path: String, _ what: String, _ reason: CInt = errno) {
        self.init(code, "\(printable(path)): \(what) (\(String(cString: strerror(reason))))")
    }

    /// The message.
    public var description: String { message }
}
