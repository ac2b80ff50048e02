/// A value of a recipe before its type is known: what YAML and the command line have in common.
public enum ConfigurationValue: Sendable, Equatable, CustomStringConvertible {
    /// No value (`null` or `~`).
    case null
    /// A word, number or flag, as written.
    case scalar(String)
    /// A sequence of scalars.
    case list([String])

    /// As a person would write it in YAML's flow style.
    public var description: String {
        switch self {
        case .null: "null"
        case .scalar(let text): text
        case .list(let items): "[" + items.joined(separator: ", ") + "]"
        }
    }

    /// The items of a list; a scalar is split at commas, or at hyphens (`16-16-32-64`).
    public var items: [String]? {
        switch self {
        case .null: return nil
        case .list(let items): return items
        case .scalar(let text):
            let separator: Character = text.contains(",") ? "," : "-"
            let parts = text.split(separator: separator, omittingEmptySubsequences: false)
            return text.isEmpty ? [] : parts.map { $0.filter { $0 != " " } }
        }
    }

    /// The integer that a scalar spells, or nil. `1e3` and `128.0` are not integers.
    public var integer: Int? {
        guard case .scalar(let text) = self else { return nil }
        return Int(text)
    }

    /// The finite number that a scalar spells, or nil.
    public var number: Double? {
        guard case .scalar(let text) = self, let value = Double(text), value.isFinite else {
            return nil
        }
        return value
    }

    /// The flag that a scalar spells, or nil.
    public var flag: Bool? {
        guard case .scalar(let text) = self else { return nil }
        switch text.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default: return nil
        }
    }
}
