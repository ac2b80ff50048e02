public import BONNModelFormat
import Foundation

extension JSONValue {
    /// An object with its members in this order.
    public static func members(_ members: KeyValuePairs<Name, JSONValue>) -> JSONValue {
        .object(members.map { JSONMember($0.key, $0.value) })
    }

    /// A number; null for an infinity or NaN, which JSON does not have.
    public static func real(_ value: Float) -> JSONValue {
        JSONNumber(value).map(JSONValue.number) ?? .null
    }

    /// A number; null for an infinity or NaN, which JSON does not have.
    public static func real(_ value: Double) -> JSONValue {
        JSONNumber(value).map(JSONValue.number) ?? .null
    }

    /// A number; null where there is none.
    public static func optional(_ value: Double?) -> JSONValue { value.map { .real($0) } ?? .null }

    /// Strings.
    public static func strings(_ values: [String]) -> JSONValue {
        .array(values.map(JSONValue.string))
    }
}

/// JSON text in which nothing is left that a terminal obeys: JSON itself escapes only line breaks and
/// their kind, and lets the upper control characters, turned writing and Unicode's line breaks through.
func escapedJSON(_ json: String) -> String {
    // Outside of its strings, JSON has none of these characters.
    func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x7F || scalar.value > 0x7F && isPrintable(scalar)
    }
    guard !json.unicodeScalars.allSatisfy(isPlain) else { return json }
    var result = ""
    for scalar in json.unicodeScalars {
        if isPlain(scalar) {
            result.unicodeScalars.append(scalar)
        } else {
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
    }
    return result
}

/// A value as JSON with sorted keys in snake case, over several lines.
func encodedJSON(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}
