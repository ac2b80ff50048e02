/// A name: of a tensor, a value, a key, a class. It is its UTF-8 bytes and nothing else.
///
/// Swift's `String` compares by canonical equivalence: "é" as one code point equals "é" as two. Files,
/// folders and every other program compare bytes. A name does so too: two names are equal exactly when
/// their bytes are, they hash by their bytes in linear time, and they sort as their bytes do.
public struct Name: Sendable, Hashable, Comparable {
    /// The name as text, as it came: not escaped (see `printable(_:limit:)`).
    public let text: String

    /// A name with the bytes of a text.
    public init(_ text: String) { self.text = text }

    /// Whether the bytes are the same.
    public static func == (first: Name, second: Name) -> Bool {
        first.text.utf8.elementsEqual(second.text.utf8)
    }

    /// Whether the bytes come first.
    public static func < (first: Name, second: Name) -> Bool {
        first.text.utf8.lexicographicallyPrecedes(second.text.utf8)
    }

    /// Feeds the bytes, and a byte that no UTF-8 holds behind them.
    public func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xFF as UInt8)
    }
}

extension Name {
    /// A name from a file: refused when it is longer than any name has to be, before it is compared.
    init(_ text: String, atMost bytes: Int, place: String) throws(ModelFormatError) {
        guard text.utf8.count <= bytes else {
            throw ModelFormatError(
                .invalidName, place, expected: "a name of at most \(bytes) bytes",
                found: "\(text.utf8.count) bytes, '\(abbreviated(text))'", fix: "rename it")
        }
        self.init(text)
    }
}

extension RawRepresentable where Self: CaseIterable, RawValue == String {
    /// The case that has a name; nil if none has.
    init?(named name: Name) {
        guard let match = Self.allCases.first(where: { Name($0.rawValue) == name }) else {
            return nil
        }
        self = match
    }
}

extension Name: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    /// A name that stands in the source.
    public init(stringLiteral text: String) { self.init(text) }
}

extension Name: CustomStringConvertible, CustomDebugStringConvertible {
    /// The text.
    public var description: String { text }
    /// The text in quotation marks, as a list of names shows it.
    public var debugDescription: String { text.debugDescription }
}

extension Name: Codable {
    /// Reads the text.
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
