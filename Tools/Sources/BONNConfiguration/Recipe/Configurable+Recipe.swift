import func BONNModelFormat.printable

extension Configurable {
    /// Reads a recipe on top of what the value is.
    ///
    /// - Parameters:
    ///   - recipe: the YAML text.
    ///   - source: where the text comes from, for messages.
    /// - Returns: What a person should know, a line each: which keys are called otherwise now, and which are
    ///   left out because they have no effect.
    /// - Throws: An error that names the line of a syntax error, of an unknown section or key (with the
    ///   nearest known ones), or of a value that does not fit; nothing is then changed.
    @discardableResult
    public mutating func read(
        recipe: String, source: String
    ) throws(ConfigurationError) -> [String] {
        try apply(contents(of: recipe, source))
    }

    /// Reads a recipe's bytes; see `read(recipe:source:)`. No more than `longestRecipe` and one are needed.
    ///
    /// Where it is known how files are opened, a recipe may stand on another one: with `extends: FILE`, a path
    /// from the folder of `source`, that recipe is read first and this one on top of it. Stages of this one, if it
    /// has any, take the place of the other's.
    ///
    /// - Parameter open: the bytes of a file, of which no more than `longestRecipe` and one are needed; nil: the
    ///   recipe must be whole.
    /// - Throws: As above; an error that names the file which extends another one where that cannot be opened, where
    ///   they extend one another in a circle, and where a key is set that every stage of the other one sets.
    @discardableResult
    public mutating func read(
        recipe bytes: [UInt8], source: String,
        opening open: ((_ path: String) throws(ConfigurationError) -> [UInt8])? = nil
    ) throws(ConfigurationError) -> [String] {
        var recipes = [try contents(of: bytes, source, canExtend: open != nil)]
        var sources = [source]
        while let base = recipes.last?.base, let open {
            guard recipes.count < RecipeText.mostExtended, !sources.contains(base.path) else {
                throw ConfigurationError(
                    base.place + "extends \(RecipeText.quoted(base.path)): expected at most "
                        + "\(RecipeText.mostExtended) recipes, none of which extends itself, found "
                        + sources.map(RecipeText.quoted).joined(
                            separator: ", each of which extends the next, "))
            }
            let bytes: [UInt8]
            do throws(ConfigurationError) {
                bytes = try open(base.path)
            } catch {
                throw ConfigurationError(base.place + "extends: " + printable(error.message))
            }
            sources.append(base.path)
            recipes.append(try contents(of: bytes, base.path, canExtend: true))
        }
        var whole = self
        var notes: [String] = []
        for (index, contents) in recipes.reversed().enumerated() {
            if index > 0, contents.stages == nil {
                for assignment in contents.assignments
                where !whole.stages.isEmpty && whole.stages.allSatisfy({ $0.sets(assignment.path) })
                {
                    throw ConfigurationError(
                        assignment.place + "every stage of the recipe that this one extends sets "
                            + "\(assignment.path); write the stages here too")
                }
            }
            notes += try whole.apply(contents)
        }
        self = whole
        return notes
    }

    private func contents(
        of bytes: [UInt8], _ source: String, canExtend: Bool
    ) throws(ConfigurationError) -> RecipeContents {
        guard bytes.count <= RecipeText.longest else {
            throw RecipeText.tooLong("\(printable(source)): ", "more")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError("\(printable(source)): a recipe must be UTF-8 text")
        }
        return try contents(of: text, source, canExtend: canExtend)
    }

    private func contents(
        of text: String, _ source: String, canExtend: Bool = false
    ) throws(ConfigurationError) -> RecipeContents {
        var sections: [String] = []
        for section in keys.map(\.section) + keys.compactMap(\.formerSection)
        where !sections.contains(section) { sections.append(section) }
        return try RecipeText.contents(
            of: text, source, sections: sections, hasStages: Self.stageStorage != nil,
            canExtend: canExtend)
    }

    /// The longest recipe that is read, in bytes.
    public static var longestRecipe: Int { RecipeText.longest }

    /// Sets keys to values that are YAML (`[60, 120]`, `0.1`, `sgd`).
    ///
    /// - Parameter assignments: the path of a key, the text of its value, and what the user typed, for
    ///   messages. A later one wins, except that decisive keys are set before all others.
    /// - Returns: As `read(recipe:source:)`.
    /// - Throws: An error for an unknown key, for a value that does not fit, or for a key that every stage sets
    ///   and an assignment therefore would not change; nothing is then changed.
    @discardableResult
    public mutating func apply(
        _ assignments: [(path: String, value: String, source: String)]
    ) throws(ConfigurationError) -> [String] {
        var read: [RecipeAssignment] = []
        for assignment in assignments {
            let source = RecipeText.quoted(assignment.source)
            guard stages.isEmpty || !stages.allSatisfy({ $0.sets(assignment.path) }) else {
                throw ConfigurationError(
                    "\(source): every stage of the recipe sets \(assignment.path); change it there")
            }
            read.append(
                RecipeAssignment(
                    path: assignment.path,
                    value: try RecipeText.value(of: assignment.value, place: source + ": "),
                    source: source, place: source + ": "))
        }
        return try apply(RecipeContents(assignments: read))
    }

    /// Every key with its value as YAML, with its meaning beside it.
    public var recipe: String {
        var text = ""
        var section = ""
        for key in keys {
            if section != key.section {
                section = key.section
                text += (text.isEmpty ? "" : "\n") + section + ":\n"
            }
            let value = RecipeScalar.written(key.value(in: self))
            let line = "  \(key.path.dropFirst(section.count + 1)): \(value)"
            let padding = String(repeating: " ", count: max(1, 36 - line.count))
            let choices = key.choices.isEmpty ? "" : " (\(key.choices.joined(separator: ", ")))"
            text += line + padding + "# " + key.summary + choices + "\n"
        }
        let stages = stages.flatMap(\.lines)
        if !stages.isEmpty {
            text += (["", RecipeText.stages + ":"] + stages).joined(separator: "\n") + "\n"
        }
        return text
    }

    private mutating func apply(
        _ contents: RecipeContents
    ) throws(ConfigurationError) -> [String] {
        var reader = RecipeReader(self)
        try reader.apply(contents.assignments)
        if let stages = contents.stages { try reader.apply(stages: stages) }
        self = reader.root
        return reader.notes
    }
}

extension Key {
    /// What stands in front of the dot.
    var section: String { Self.section(of: path) }
    /// The section of the former path.
    var formerSection: String? { formerPath.map(Self.section) }

    private static func section(of path: String) -> String { String(path.prefix { $0 != "." }) }
}
