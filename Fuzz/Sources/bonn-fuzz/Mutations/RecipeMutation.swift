import BONNTestSupport

/// Changes recipes line by line, so that most of what they say still holds.
enum RecipeMutation {
    static func mutate(
        _ bytes: [UInt8], capacity: Int, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        var lines = bytes.split(separator: newline, omittingEmptySubsequences: false)
            .map { Array($0) }
        guard lines.count > 1, !generator.oneIn(4) else {
            return changedByLibFuzzer(bytes, capacity: capacity)
        }
        let index = generator.integer(0...lines.count - 1)
        switch generator.integer(0...9) {
        case 0: lines.remove(at: index)
        case 1: lines.swapAt(index, generator.integer(0...lines.count - 1))
        case 2: lines.insert(lines[index], at: generator.integer(0...lines.count))
        case 3: lines[index] = changedByLibFuzzer(lines[index], capacity: lines[index].count + 8)
        case 4, 5:
            // The keys whose values are any text.
            let texts = lines.indices.filter { index in
                textKeys.contains { lines[index].starts(with: "  \($0):".utf8) }
            }
            guard !texts.isEmpty else { break }
            let index = generator.pick(texts)
            guard let (key, value) = parts(lines[index]) else { break }
            lines[index] = key + quoted(value, &generator)
        default:
            guard let (key, value) = parts(lines[index]) else { break }
            lines[index] = key + other(value, among: lines, &generator)
        }
        return Array(lines.joined(separator: [newline]))
    }

    private static let newline = UInt8(ascii: "\n")

    /// A line up to the blank behind its colon, and its value without a comment.
    private static func parts(_ line: [UInt8]) -> (key: [UInt8], value: [UInt8])? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let rest = line.dropFirst(colon + 1).drop { $0 == UInt8(ascii: " ") }
        let value = rest.prefix { $0 != UInt8(ascii: "#") }
        return (line[...colon] + [UInt8(ascii: " ")], Array(value))
    }

    private static func other(
        _ value: [UInt8], among lines: [[UInt8]], _ generator: inout SeededGenerator
    ) -> [UInt8] {
        switch generator.integer(0...4) {
        case 0: return changedByLibFuzzer(value, capacity: value.count + 4)
        case 1: return parts(generator.pick(lines))?.value ?? value
        case 2: return quoted(value, &generator)
        default: return Array(generator.pick(values).utf8)
        }
    }

    /// A value in quotes, where anything can stand, and more of it.
    private static func quoted(
        _ value: [UInt8], _ generator: inout SeededGenerator
    ) -> [UInt8] {
        let text = generator.oneIn(2) ? [] : value.filter { !Array("\"\\".utf8).contains($0) }
        let more = (0..<generator.integer(1...3)).map { _ in generator.pick(escapes) }
        return Array("\"".utf8) + text + Array(more.joined().utf8) + Array("\"".utf8)
    }

    private static let textKeys = ["path", "output"]

    private static let escapes = [
        "\\x1b[2J", "\\u0301", "\\u2028", "\\N", "\\x80", "\\ufeff", "\\U0001F600", "\\t", "\\\"",
        "\\\\",
        "* * * * * *", "{{{", "# ", ": ", "  ", "\\n", "\\0", "é", "'",
    ]

    private static let values = [
        "0", "1", "2", "7", "64", "-1", "0.5", "1e-3", "1e400", "0.1", "9223372036854775807",
        "true",
        "off", "null", "~", "NULL", "Null", "[]", "[1, 2]", "[0.5, 0.5, 0.5]", "16-16-32-64",
        "32x48",
        "224", "narrow", "wide", "smallImages", "large", "circle", "polygon", "none",
        "\"\"", "''", "...", "---", "-", "+", "-.inf", ".nan", "0x1F", "1_000", "a b", "a: b",
    ]
}
