import func BONNModelFormat.isPrintable

/// A text as YAML that is read to the same text again, whatever it holds.
enum RecipeScalar {
    /// The longest text of a key, in bytes: no path is longer.
    static let longest = 4_096
    /// Characters that are written as escapes, of which a recipe may have `RecipeText.mostEscapes`.
    static let mostUnprintable = 64

    /// What `holds` asks for, as a message says it.
    static let expectation =
        "a text of at most \(longest) bytes without NUL or U+FEFF in front, with at most \(mostUnprintable) characters "
        + "that cannot be shown and \(RecipeText.longestMarks) combining marks in a row"

    /// Whether a recipe can hold a text within the bounds that it has when it is read.
    ///
    /// A byte order mark in front of a scalar is taken for one of a file: Foundation leaves it out.
    static func holds(_ text: String) -> Bool {
        text.utf8.count <= longest && !text.utf8.contains(0)
            && text.unicodeScalars.first != "\u{FEFF}"
            && text.unicodeScalars.count { !isPrintable($0) } <= mostUnprintable
            && RecipeText.longestMarks(of: text) <= RecipeText.longestMarks
    }

    /// A value of a key.
    static func written(_ value: ConfigurationValue) -> String {
        switch value {
        case .scalar(let text): written(text)
        case .list, .null: value.description
        }
    }

    /// A scalar: plain where that is the same text again, else quoted.
    static func written(_ text: String) -> String {
        let isPlain = text.allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || "/._+-".contains($0))
        }
        if isPlain, !text.isEmpty, text.first != "-" || Double(text) != nil,
            !["null", "..."].contains(text.lowercased())
        {
            return text
        }
        return "\"" + text.unicodeScalars.map(escaped).joined() + "\""
    }

    /// YAML folds more line breaks than one, and refuses control characters of every kind.
    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        if scalar == "\"" { return "\\\"" }
        if isPrintable(scalar), !counted.contains(scalar) { return "\(scalar)" }
        let (letter, digits) =
            switch scalar.value {
            case ..<0x100: ("x", 2)
            case ..<0x1_0000: ("u", 4)
            default: ("U", 8)
            }
        let number = String(scalar.value, radix: 16)
        return "\\" + letter + String(repeating: "0", count: digits - number.count) + number
    }

    /// What `RecipeText` counts wherever it stands; the backslash, because it counts `\u`.
    private static let counted = Set("*?[{\\".unicodeScalars)
}
