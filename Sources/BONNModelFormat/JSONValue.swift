/// A JSON value: strict, ordered, and exact about numbers.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])
}

/// One key and its value.
public struct JSONMember: Sendable, Equatable {
    /// Unique in its object.
    public var key: Name
    /// The value.
    public var value: JSONValue

    /// Creates a member.
    public init(_ key: Name, _ value: JSONValue) {
        self.key = key
        self.value = value
    }
}

/// A number as it is spelled, so that no precision is lost before its type is known.
public struct JSONNumber: Sendable, Equatable {
    /// The spelling, of JSON's grammar.
    public let literal: String

    /// A spelling that the parser has checked.
    init(checkedLiteral: String) {
        literal = checkedLiteral
    }

    /// An integer.
    public init(_ value: Int) {
        literal = String(value)
    }

    /// The shortest spelling that reads back as the same number; nil for an infinity or NaN.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        literal = value.description
    }

    /// The shortest spelling that reads back as the same number; nil for an infinity or NaN.
    public init?(_ value: Float) {
        guard value.isFinite else { return nil }
        literal = value.description
    }

    /// The value, when it is spelled without fraction and exponent and fits.
    public var int: Int? { Int(literal) }

    /// The nearest value, when it is finite.
    public var double: Double? {
        guard let value = Double(literal), value.isFinite else { return nil }
        return value
    }

    /// The nearest value, rounded once from the spelling, when it is finite.
    public var float: Float? {
        guard let value = Float(literal), value.isFinite else { return nil }
        return value
    }
}

extension JSONValue {
    /// An integer.
    public static func int(_ value: Int) -> JSONValue { .number(JSONNumber(value)) }

    /// Integers.
    public static func ints(_ values: [Int]) -> JSONValue { .array(values.map(JSONValue.int)) }

    /// What the value is, for messages.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let number): "the number \(number.literal)"
        case .string(let text): "the string '\(abbreviated(text))'"
        case .array(let values): "an array of \(values.count)"
        case .object(let members): "an object of \(members.count) keys"
        }
    }

    /// The text without white space: members in their order, non-ASCII characters as they are.
    public var text: String {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let number): bytes.append(contentsOf: number.literal.utf8)
        case .string(let text): Self.write(text, to: &bytes)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.write(member.key.text, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ text: String, to bytes: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes.append(contentsOf: "\\\"".utf8)
            case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
            case 0x08: bytes.append(contentsOf: "\\b".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0C: bytes.append(contentsOf: "\\f".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            case 0..<0x20:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
