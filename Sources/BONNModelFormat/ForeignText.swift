/// Text of somebody else's as it may be shown: on one line, without anything that a terminal obeys.
///
/// Class names, provenance, file names and messages of servers come from files and strangers. Escape
/// sequences, line breaks (Unicode's own too) and characters that are invisible or turn the direction of
/// writing are shown as `\u{...}`, and what is longer than a message bears is cut.
///
/// - Parameter limit: the longest result in Unicode scalars before "..." stands for the rest.
public func printable(_ text: String, limit: Int = .max) -> String {
    // Names are nearly always so; loading a model asks for hundreds of them.
    if text.utf8.count <= limit, text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) {
        return text
    }
    var result = ""
    for (index, scalar) in text.unicodeScalars.enumerated() {
        guard index < limit else { return result + "..." }
        if isPrintable(scalar) {
            result.unicodeScalars.append(scalar)
        } else {
            result += "\\u{\(String(scalar.value, radix: 16))}"
        }
    }
    return result
}

/// A text short enough for a message.
func abbreviated(_ text: String) -> String { printable(text, limit: 60) }

/// A name short enough for a message.
func abbreviated(_ name: Name) -> String { abbreviated(name.text) }

/// Whether a terminal shows a character and does nothing else.
public func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
        .unassigned:
        false
    default: true
    }
}
