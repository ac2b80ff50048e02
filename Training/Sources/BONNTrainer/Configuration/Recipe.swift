import Foundation
import Yams

/// Reads and writes recipes: YAML texts with the sections and keys of `ConfigurationKey.all`.
public enum Recipe {
    /// The configuration that a YAML text describes, on top of another one.
    ///
    /// - Parameters:
    ///   - yaml: the text.
    ///   - source: where the text comes from, for messages.
    ///   - base: what holds for keys that the text does not mention.
    /// - Throws: `.configuration` that names the line of a syntax error, of an unknown section or
    ///   key (with the nearest known ones), or of a value that does not fit.
    public static func read(
        yaml: String, source: String, over base: TrainingConfiguration = TrainingConfiguration()
    ) throws(TrainingError) -> TrainingConfiguration {
        let root = try RecipeText.compose(yaml, place: "\(source): ")
        var configuration = base
        guard let root, root != Node("") else { return configuration }
        guard let sections = root.mapping else {
            throw TrainingError(
                .configuration, "\(source): expected sections such as `optimizer:` with keys below")
        }
        for (sectionNode, contents) in sections {
            let section = try word(sectionNode, source)
            guard sectionNames.contains(section) else {
                let hint = NearestNames.suggestion(for: section, among: sectionNames)
                throw TrainingError(
                    .configuration,
                    place(source, sectionNode)
                        + "unknown section \(RecipeText.quoted(section))" + hint)
            }
            guard let keys = contents.mapping else {
                if contents.null != nil { continue }
                throw TrainingError(
                    .configuration,
                    place(source, contents) + "section \(section) must hold `key: value` lines")
            }
            for (keyNode, valueNode) in inOrder(keys) {
                let path = section + "." + (try word(keyNode, source))
                let value = try value(of: valueNode, place: place(source, valueNode))
                try set(path, to: value, in: &configuration, place: place(source, keyNode))
            }
        }
        return configuration
    }

    /// The configuration in a file, on top of another one.
    ///
    /// - Throws: `.file` when the file cannot be read, and what `read(yaml:source:over:)` throws.
    public static func read(
        path: String, over base: TrainingConfiguration = TrainingConfiguration()
    ) throws(TrainingError) -> TrainingConfiguration {
        let bytes = try File.beginning(of: path, RecipeText.longest + 1)
        guard bytes.count <= RecipeText.longest else {
            throw RecipeText.tooLong("\(path): ", "more")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TrainingError(.configuration, "\(path): a recipe must be UTF-8 text")
        }
        return try read(yaml: text, source: path, over: base)
    }

    /// Applies assignments to a configuration; the values are YAML (`[60, 120]`, `0.1`, `sgd`).
    ///
    /// - Parameters:
    ///   - assignments: the path of a key, the text of its value, and what the user typed, for
    ///     messages. A later one wins, except that the network's name is applied before all else.
    ///   - configuration: what is changed.
    /// - Throws: `.configuration` for an unknown key or a value that does not fit.
    public static func apply(
        _ assignments: [(path: String, value: String, source: String)],
        to configuration: inout TrainingConfiguration
    ) throws(TrainingError) {
        let names = assignments.filter { $0.path == architecturePath }
        for assignment in names + assignments.filter({ $0.path != architecturePath }) {
            try set(
                assignment.path, to: assignment.value, in: &configuration,
                place: RecipeText.quoted(assignment.source) + ": ")
        }
    }

    private static func set(
        _ path: String, to text: String, in configuration: inout TrainingConfiguration,
        place: String
    ) throws(TrainingError) {
        let node = try RecipeText.compose(text, place: place)
        let value: ConfigurationValue =
            if let node { try self.value(of: node, place: place) } else { .scalar("") }
        try set(path, to: value, in: &configuration, place: place)
    }

    /// The complete configuration as YAML, with the meaning of each key beside it.
    public static func yaml(_ configuration: TrainingConfiguration) -> String {
        var text = ""
        var section = ""
        for key in ConfigurationKey.all {
            let parts = key.path.split(separator: ".")
            if section != parts[0] {
                section = String(parts[0])
                text += (text.isEmpty ? "" : "\n") + section + ":\n"
            }
            let value =
                switch key.get(configuration) {
                case .scalar(let text): RecipeScalar.written(text)
                case let value: value.description
                }
            let line = "  \(parts[1]): \(value)"
            let padding = String(repeating: " ", count: max(1, 36 - line.count))
            let choices = key.choices.isEmpty ? "" : " (\(key.choices.joined(separator: ", ")))"
            text += line + padding + "# " + key.summary + choices + "\n"
        }
        return text
    }

    private static let architecturePath = "model.name"

    /// The keys of a section, the network's name first, because it sets the defaults of others.
    private static func inOrder(_ keys: Node.Mapping) -> [(Node, Node)] {
        let pairs = keys.map { ($0.key, $0.value) }
        return pairs.filter { $0.0.string == "name" } + pairs.filter { $0.0.string != "name" }
    }

    private static let sectionNames = ConfigurationKey.all.reduce(into: [String]()) { names, key in
        let section = String(key.path.prefix { $0 != "." })
        if names.last != section { names.append(section) }
    }

    private static func set(
        _ path: String, to value: ConfigurationValue, in configuration: inout TrainingConfiguration,
        place: String
    ) throws(TrainingError) {
        guard let key = ConfigurationKey.named(path) else {
            let known = ConfigurationKey.all.map(\.path)
            let hint = NearestNames.suggestion(for: path, among: known)
            throw TrainingError(
                .configuration, place + "unknown key \(RecipeText.quoted(path))" + hint)
        }
        guard key.set(&configuration, value) else {
            let hint = NearestNames.suggestion(for: value.description, among: key.choices)
            let found = RecipeText.quoted(value.description)
            throw TrainingError(
                .configuration, place + "\(path) is \(found), expected \(key.expected)" + hint)
        }
    }

    private static func value(
        of node: Node, place: String
    ) throws(TrainingError) -> ConfigurationValue {
        switch node {
        case .scalar(let scalar):
            // A quoted "null" is a text; a plain one is no value.
            return scalar.style == .plain && node.null != nil ? .null : .scalar(scalar.string)
        case .sequence(let sequence):
            var items: [String] = []
            for item in sequence {
                guard let scalar = item.scalar else {
                    throw TrainingError(.configuration, place + "a list may hold only plain values")
                }
                items.append(scalar.string)
            }
            return .list(items)
        case .mapping, .alias:
            throw TrainingError(.configuration, place + "expected a value, found nested keys")
        }
    }

    /// A key, which must be a plain word.
    private static func word(_ node: Node, _ source: String) throws(TrainingError) -> String {
        guard let word = node.string else {
            throw TrainingError(
                .configuration,
                place(source, node) + "a key must be a plain word, found a list or map")
        }
        return word
    }

    private static func place(_ source: String, _ node: Node) -> String {
        node.mark.map { "\(source):\($0.line): " } ?? "\(source): "
    }
}
