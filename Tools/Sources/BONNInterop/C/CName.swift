import BONNModelFormat

/// The name of an exported network: the prefix of its C identifiers and the name of its files.
public struct CName: Sendable, Equatable {
    /// `flowers`.
    public let text: String

    /// What macros begin with: `FLOWERS`.
    var macro: String { text.uppercased() }

    /// The most characters: with what is added, C99 tells identifiers of 63 characters apart.
    public static let mostCharacters = 40

    /// Checks a name.
    ///
    /// - Throws: `.refused` for what is no identifier or would be mistaken for another header.
    public init(_ text: String) throws(InteropError) {
        guard text.utf8.count <= Self.mostCharacters, let first = text.utf8.first,
            Self.isLetter(first), text.utf8.allSatisfy(Self.isWordCharacter)
        else {
            throw InteropError(
                .refused,
                "the name of the network: expected a letter and at most \(Self.mostCharacters - 1) "
                    + "letters of ASCII, digits or underscores behind it, found "
                    + "'\(printable(text, limit: 60))'; choose another one")
        }
        guard !text.lowercased().hasPrefix("bonn_"), !Self.headers.contains(text.lowercased())
        else {
            throw InteropError(
                .refused,
                "the name of the network: '\(text)' is the name of a header of the C library or begins "
                    + "as those of the kernels do ('bonn_'); choose another one")
        }
        self.text = text
    }

    /// The name that a model file of a path suggests: `wide-resnet.v2.bonn` gives `wide_resnet_v2`.
    ///
    /// - Throws: as `init(_:)`.
    public init(suggestedBy path: String) throws(InteropError) {
        let file = path.split(separator: "/").last ?? ""
        let stem = file.hasSuffix(".bonn") ? file.dropLast(5) : file
        let word = String(
            decoding: stem.utf8.prefix(Self.mostCharacters - 2)
                .map { Self.isWordCharacter($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
        try self.init(word.utf8.first.map(Self.isLetter) == true ? word : "n_" + word)
    }

    /// Headers of C99 and C11, which a file of the same name would hide.
    private static let headers: Set<String> = [
        "assert", "complex", "ctype", "errno", "fenv", "float", "inttypes", "iso646", "limits",
        "locale", "math", "setjmp", "signal", "stdalign", "stdarg", "stdatomic", "stdbool",
        "stddef",
        "stdint", "stdio", "stdlib", "stdnoreturn", "string", "strings", "tgmath", "threads",
        "time",
        "uchar", "wchar", "wctype",
    ]

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isWordCharacter(_ byte: UInt8) -> Bool {
        isLetter(byte) || byte == UInt8(ascii: "_")
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
