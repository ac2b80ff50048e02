import Yams

import func BONNModelFormat.printable

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

/// What stands in a recipe.
struct RecipeContents {
    /// What stands in an item of `stages:`.
    struct Stage {
        var name = ""
        var assignments: [RecipeAssignment] = []
    }

    /// The path of the recipe that it stands on, and where it says so.
    var base: (path: String, place: String)?
    /// The values of the sections.
    var assignments: [RecipeAssignment] = []
    /// The stages; nil where the recipe says nothing of any.
    var stages: [Stage]?
}

extension RecipeText {
    /// The value that a text alone stands for.
    static func value(
        of text: String, place: String
    ) throws(ConfigurationError) -> ConfigurationValue {
        guard let node = try compose(text, place: place) else { return .scalar("") }
        return try value(of: node, place: place)
    }

    /// The names that no section can have.
    static let stages = "stages"
    static let extends = "extends"
    /// Recipes of which each extends the next.
    static let mostExtended = 8

    /// The values of a text with sections, in its order.
    ///
    /// - Parameters:
    ///   - known: the names that sections may have.
    ///   - hasStages: whether the text may have stages too.
    ///   - canExtend: whether the text may extend a file.
    static func contents(
        of text: String, _ source: String, sections known: [String], hasStages: Bool,
        canExtend: Bool
    ) throws(ConfigurationError) -> RecipeContents {
        var contents = RecipeContents()
        guard let root = try compose(text, place: "\(printable(source)): "), root != Node("") else {
            return contents
        }
        guard let sections = root.mapping else {
            throw ConfigurationError(
                "\(printable(source)): expected sections such as `\(known.first ?? "section"):` with keys below"
            )
        }
        for (sectionNode, body) in sections {
            let section = try word(sectionNode, source)
            if section == stages, hasStages {
                contents.stages = try stages(of: body, source)
                continue
            }
            if section == extends {
                guard canExtend else {
                    throw ConfigurationError(
                        place(source, sectionNode)
                            + "only a recipe in a file of its own extends another one")
                }
                contents.base = (try path(body, source), place(source, sectionNode))
                continue
            }
            guard known.contains(section) else {
                let names = known + (hasStages ? [stages] : []) + (canExtend ? [extends] : [])
                throw ConfigurationError(
                    place(source, sectionNode) + "unknown section \(quoted(section))"
                        + NearestNames.suggestion(for: section, among: names))
            }
            guard let keys = body.mapping else {
                if body.null != nil { continue }
                throw ConfigurationError(
                    place(source, body) + "section \(section) must hold `key: value` lines")
            }
            for (keyNode, valueNode) in keys {
                contents.assignments.append(
                    try assignment(keyNode, valueNode, source, prefix: section + "."))
            }
        }
        return contents
    }

    /// The path of a file, from the folder of the source where it is no whole one.
    private static func path(
        _ node: Node, _ source: String
    ) throws(ConfigurationError) -> String {
        guard case .scalar(let path) = try value(of: node, place: place(source, node)),
            !path.isEmpty, RecipeScalar.holds(path)
        else {
            throw ConfigurationError(place(source, node) + "extends: expected the path of a recipe")
        }
        guard path.first != "/", let slash = source.lastIndex(of: "/") else { return path }
        return source[...slash] + path
    }

    private static func stages(
        of body: Node, _ source: String
    ) throws(ConfigurationError) -> [RecipeContents.Stage] {
        if body.null != nil { return [] }
        guard let items = body.sequence else {
            throw ConfigurationError(
                place(source, body)
                    + "expected a list, `- section.key: value` and further lines for "
                    + "each stage")
        }
        guard items.count <= RecipeStage.most else {
            throw ConfigurationError(
                place(source, body)
                    + "expected at most \(RecipeStage.most) stages, found \(items.count)"
            )
        }
        var stages: [RecipeContents.Stage] = []
        for item in items {
            guard let keys = item.mapping else {
                throw ConfigurationError(
                    place(source, item) + "a stage must hold `section.key: value` lines")
            }
            var stage = RecipeContents.Stage()
            for (keyNode, valueNode) in keys {
                if try word(keyNode, source) == "name" {
                    guard
                        case .scalar(let name) = try value(
                            of: valueNode, place: place(source, valueNode)),
                        RecipeScalar.holds(name)
                    else {
                        throw ConfigurationError(
                            place(source, keyNode)
                                + "the name of a stage: expected \(RecipeScalar.expectation)")
                    }
                    stage.name = name
                } else {
                    stage.assignments.append(try assignment(keyNode, valueNode, source))
                }
            }
            stages.append(stage)
        }
        return stages
    }

    private static func assignment(
        _ key: Node, _ value: Node, _ source: String, prefix: String = ""
    ) throws(ConfigurationError) -> RecipeAssignment {
        RecipeAssignment(
            path: prefix + (try word(key, source)),
            value: try self.value(of: value, place: place(source, value)), source: source,
            place: place(source, key))
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
        node.mark.map { "\(printable(source)):\($0.line): " } ?? "\(printable(source)): "
    }
}
