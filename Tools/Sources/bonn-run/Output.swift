import BONNModelFormat
import Foundation

/// What the tool writes: results on standard output, complaints on standard error.
enum Output {
    /// A line of results.
    static func line(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }

    /// One line for a person, whatever line ends the message has.
    static func complain(_ message: String) {
        let line = message.split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }

    /// Rows as columns of equal width; the columns in `left` to the left, the others to the right.
    static func table(_ rows: [[String]], left: Set<Int> = [0]) {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        for row in rows {
            let cells = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return left.contains(column) ? cell + padding : padding + cell
            }
            var text = cells.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            line(text)
        }
    }

    /// A number with a fixed number of decimals.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        String(format: "%.\(decimals)f", value)
    }

    /// A share as a percentage.
    static func percent(_ share: Double) -> String { fixed(share * 100, 2) + " %" }

    /// A number of bytes in units of 10^6.
    static func megabytes(_ bytes: Int) -> String { fixed(Double(bytes) / 1e6, 2) + " MB" }

    /// `1 thread`, `2 threads`.
    static func count(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }
}

extension JSONValue {
    /// An object with its members in this order.
    static func members(_ members: KeyValuePairs<Name, JSONValue>) -> JSONValue {
        .object(members.map { JSONMember($0.key, $0.value) })
    }

    /// A number; null for an infinity or NaN, which JSON does not have.
    static func real(_ value: Float) -> JSONValue {
        JSONNumber(value).map(JSONValue.number) ?? .null
    }

    /// A number; null for an infinity or NaN, which JSON does not have.
    static func real(_ value: Double) -> JSONValue {
        JSONNumber(value).map(JSONValue.number) ?? .null
    }

    /// A number; null where there is none.
    static func optional(_ value: Double?) -> JSONValue { value.map { .real($0) } ?? .null }

    /// Strings.
    static func strings(_ values: [String]) -> JSONValue { .array(values.map(JSONValue.string)) }

    /// `[C, H, W]`.
    static func shape(_ shape: Shape) -> JSONValue {
        .ints([shape.channels, shape.height, shape.width])
    }
}

extension Shape {
    /// `CxHxW`.
    var text: String { "\(channels)x\(height)x\(width)" }
}
