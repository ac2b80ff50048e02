import Yams

import func BONNModelFormat.printable

/// YAML from anybody as a tree, at a cost that its length bounds.
///
/// Yams expands every alias while it reads and hashes every key with all that is in it, so that 420
/// bytes of nested aliases as keys take minutes. What drives that cost is counted in the text before
/// Yams sees it: more than a recipe can need is refused. Reading then takes at most some tenths of a
/// second.
enum RecipeText {
    /// The longest text. `bonn recipe` prints some 8 kB.
    static let longest = 1 << 18
    /// Every alias may double what the ones before it made.
    static let mostAliases = 4
    /// Flow lists and maps, which bounds their depth.
    static let mostBrackets = 64
    /// Marked keys (`? key`), the only ones that can be lists or maps outside of brackets.
    static let mostMarkedKeys = 4
    /// Combining marks in a row: comparing text takes the square of their number.
    static let longestMarks = 32
    /// Escapes (`\u0301`), each of which may stand for such a mark.
    static let mostEscapes = 256
    /// How much of somebody's text is repeated in a message, in characters.
    static let shown = 80

    /// The tree of a text; nil for one that holds nothing.
    ///
    /// - Parameter place: what stands before a message: the source with a colon.
    /// - Throws: For a text beyond the bounds, or one that is no YAML.
    static func compose(_ text: String, place: String) throws(ConfigurationError) -> Node? {
        try check(text, place: place)
        do {
            // Without rules: nothing here asks what type a plain word has.
            return try Yams.compose(yaml: text, .basic)
        } catch {
            throw ConfigurationError(
                place + "not valid YAML: " + reason(error as? YamlError))
        }
    }

    /// The longest row of combining marks in a text.
    static func longestMarks(of text: String) -> Int {
        var longest = 0
        var row = 0
        for scalar in text.unicodeScalars {
            row = scalar.properties.canonicalCombiningClass == .notReordered ? 0 : row + 1
            longest = max(longest, row)
        }
        return longest
    }

    /// A text of somebody's for a message.
    static func quoted(_ text: String) -> String { printable(text, limit: shown) }

    private static func check(_ text: String, place: String) throws(ConfigurationError) {
        let size = text.utf8.count
        guard size <= longest else { throw tooLong(place, "\(size)") }
        let load = Load(text)
        let counts = [
            (load.aliases, mostAliases, "aliases (*name)", "write the values out"),
            (
                load.brackets, mostBrackets, "opening brackets",
                "a value is a word or a list of words"
            ),
            (load.markedKeys, mostMarkedKeys, "keys marked with ?", "keys are plain words"),
            (load.marks, longestMarks, "combining marks in a row", "leave them out"),
            (load.escapes, mostEscapes, "\\u escapes", "write the characters themselves"),
        ]
        for (found, most, what, advice) in counts where found > most {
            throw ConfigurationError(
                place + "expected at most \(most) \(what), found \(found); \(advice)")
        }
    }

    /// The error for a text of more bytes than `longest`.
    static func tooLong(_ place: String, _ bytes: String) -> ConfigurationError {
        ConfigurationError(
            place + "expected a recipe of at most \(longest) bytes, found \(bytes)")
    }

    private static func reason(_ error: YamlError?) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return "line \(mark.line), column \(mark.column): \(quoted(problem))"
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.prefix(3).map { "'\(quoted($0))'" }.joined(separator: ", ")
            return "line \(context.mark.line): the same key twice: " + names
        case .reader(let problem, _, _, _): return quoted(problem)
        case .memory: return "not enough memory"
        default: return "it cannot be read"
        }
    }
}

/// What in a text could make Yams work: counted generously, from the characters alone, so that no way
/// of quoting hides anything. Only comments without quotation marks are left out: in those no quoted
/// text can end, so nothing behind their `#` is anything but text.
private struct Load {
    private(set) var aliases = 0
    private(set) var brackets = 0
    private(set) var markedKeys = 0
    private(set) var escapes = 0
    /// The longest row of combining marks.
    let marks: Int

    init(_ text: String) {
        var line: [Unicode.Scalar] = []
        marks = RecipeText.longestMarks(of: text)
        for scalar in text.unicodeScalars {
            line.append(scalar)
            if Self.breaks.contains(scalar) {
                count(line)
                line.removeAll(keepingCapacity: true)
            }
        }
        count(line)
    }

    /// What ends a line for libyaml.
    private static let breaks: Set<Unicode.Scalar> = [
        "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}",
    ]

    private mutating func count(_ line: [Unicode.Scalar]) {
        var before: Unicode.Scalar = "\n"
        for (index, scalar) in line[..<Self.end(line)].enumerated() {
            let next = index + 1 < line.count ? line[index + 1] : "\n"
            switch scalar {
            case "*": if !Self.continuesWord(before) { aliases += 1 }
            case "?": if !Self.continuesWord(before), Self.isBlank(next) { markedKeys += 1 }
            case "[", "{": brackets += 1
            case "u", "U": if before == "\\" { escapes += 1 }
            default: break
            }
            before = scalar
        }
    }

    /// Where a comment begins that can be nothing else.
    private static func end(_ line: [Unicode.Scalar]) -> Int {
        var end = line.count
        for index in line.indices.reversed() {
            if line[index] == "\"" || line[index] == "'" { break }
            if line[index] == "#", index == 0 || isBlank(line[index - 1]) { end = index }
        }
        return end
    }

    /// Whether a character behind this one belongs to the same plain word, wherever it stands.
    private static func continuesWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || digitsAndMarks.contains(scalar))
    }

    private static let digitsAndMarks = Set("0123456789/._-*".unicodeScalars)

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || breaks.contains(scalar)
    }
}
