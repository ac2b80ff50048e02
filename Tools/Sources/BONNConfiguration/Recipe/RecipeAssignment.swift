import Yams

/// A value for a key, and where it stands.
struct RecipeAssignment {
    /// `section.key`.
    let path: String
    let value: ConfigurationValue
    /// The file, or what was typed.
    let source: String
    /// What stands in front of messages: the source with the line, and a colon.
    let place: String
}

extension RecipeText {
    /// The value that a text alone stands for.
    static func value(
        of text: String, place: String
    ) throws(ConfigurationError) -> ConfigurationValue {
        guard let node = try compose(text, place: place) else { return .scalar("") }
        return try value(of: node, place: place)
    }

    /// The values of a text with sections, in its order.
    ///
    /// - Parameter sections: the names that sections may have.
    static func assignments(
        in text: String, _ source: String, sections known: [String]
    ) throws(ConfigurationError) -> [RecipeAssignment] {
        guard let root = try compose(text, place: "\(source): "), root != Node("") else {
            return []
        }
        guard let sections = root.mapping else {
            throw ConfigurationError(
                "\(source): expected sections such as `\(known.first ?? "section"):` with keys below"
            )
        }
        var assignments: [RecipeAssignment] = []
        for (sectionNode, contents) in sections {
            let section = try word(sectionNode, source)
            guard known.contains(section) else {
                throw ConfigurationError(
                    place(source, sectionNode) + "unknown section \(quoted(section))"
                        + NearestNames.suggestion(for: section, among: known))
            }
            guard let keys = contents.mapping else {
                if contents.null != nil { continue }
                throw ConfigurationError(
                    place(source, contents) + "section \(section) must hold `key: value` lines")
            }
            for (keyNode, valueNode) in keys {
                assignments.append(
                    RecipeAssignment(
                        path: section + "." + (try word(keyNode, source)),
                        value: try value(of: valueNode, place: place(source, valueNode)),
                        source: source, place: place(source, keyNode)))
            }
        }
        return assignments
    }

    private static func value(
        of node: Node, place: String
    ) throws(ConfigurationError) -> ConfigurationValue {
        switch node {
        case .scalar(let scalar):
            // A quoted "null" is a text; a plain one is no value.
            return scalar.style == .plain && node.null != nil ? .null : .scalar(scalar.string)
        case .sequence(let sequence):
            var items: [String] = []
            for item in sequence {
                guard let scalar = item.scalar else {
                    throw ConfigurationError(place + "a list may hold only plain values")
                }
                items.append(scalar.string)
            }
            return .list(items)
        case .mapping, .alias:
            throw ConfigurationError(place + "expected a value, found nested keys")
        }
    }

    /// A key, which must be a plain word.
    private static func word(_ node: Node, _ source: String) throws(ConfigurationError) -> String {
        guard let word = node.string else {
            throw ConfigurationError(
                place(source, node) + "a key must be a plain word, found a list or map")
        }
        return word
    }

    private static func place(_ source: String, _ node: Node) -> String {
        node.mark.map { "\(source):\($0.line): " } ?? "\(source): "
    }
}
