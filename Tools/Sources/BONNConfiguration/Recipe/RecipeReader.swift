/// Sets the keys of a value, those of today and those of older recipes.
struct RecipeReader<Root: Configurable> {
    private(set) var root: Root
    /// What was set, by the keys of today.
    private(set) var settings: [RecipeStage.Setting] = []
    /// Whether only keys that vary by stage may be set.
    private let isStage: Bool
    private var keys: [Key<Root>]
    private var absent: [AbsentKey<Root>]
    private var renamed: [(source: String, note: String)] = []
    private var leftOut: [(source: String, note: String)] = []

    init(_ root: Root, isStage: Bool = false) {
        self.root = root
        self.isStage = isStage
        keys = root.keys
        absent = root.absentKeys
    }

    /// Decisive keys first; else a later assignment wins.
    mutating func apply(_ assignments: [RecipeAssignment]) throws(ConfigurationError) {
        let decisive = Set(
            keys.filter(\.isDecisive).flatMap { [$0.path, $0.formerPath ?? $0.path] })
        for assignment in assignments where decisive.contains(assignment.path) {
            try set(assignment)
        }
        keys = root.keys
        absent = root.absentKeys
        for assignment in assignments where !decisive.contains(assignment.path) {
            try set(assignment)
        }
    }

    /// Puts stages in the place of those that the value has, checked against what it is now.
    mutating func apply(stages: [RecipeContents.Stage]) throws(ConfigurationError) {
        guard let storage = Root.stageStorage else { preconditionFailure("a value without stages") }
        var read: [RecipeStage] = []
        for stage in stages {
            var reader = RecipeReader(root, isStage: true)
            try reader.apply(stage.assignments)
            read.append(RecipeStage(name: stage.name, settings: reader.settings))
            renamed += reader.renamed
            leftOut += reader.leftOut
        }
        root[keyPath: storage] = read
    }

    /// What a person should know: a line a source for the keys that have new names, one for those that have
    /// no effect.
    var notes: [String] {
        Self.lines(renamed, "keys have new names") + Self.lines(leftOut, "left out without effect")
    }

    private static func lines(_ notes: [(source: String, note: String)], _ what: String) -> [String]
    {
        var lines: [(source: String, notes: [String])] = []
        for (source, note) in notes {
            if lines.last?.source == source {
                lines[lines.count - 1].notes.append(note)
            } else {
                lines.append((source, [note]))
            }
        }
        return lines.map { "\($0.source): \(what): \($0.notes.joined(separator: ", "))" }
    }

    private mutating func set(_ assignment: RecipeAssignment) throws(ConfigurationError) {
        let path = assignment.path
        if let key = keys.first(where: { $0.path == path }) {
            try record(key, assignment)
        } else if let key = keys.first(where: { $0.formerPath == path }) {
            try record(key, assignment)
            renamed.append((assignment.source, "\(path) is now \(key.path)"))
        } else {
            let others = absent.filter { $0.key.formerPath == path }
            guard let other = others.first else { throw unknown(assignment) }
            // It had no effect then either; recipes that were written with all keys have it.
            try set(other.key, assignment)
            leftOut.append((assignment.source, "\(path) belongs to \(Self.owners(others))"))
        }
    }

    private mutating func record(
        _ key: Key<Root>, _ assignment: RecipeAssignment
    ) throws(ConfigurationError) {
        guard key.variesByStage || !isStage else {
            throw ConfigurationError(
                assignment.place + "\(key.path) is the same in all stages; set it in section "
                    + key.section)
        }
        try set(key, assignment)
        settings.append(RecipeStage.Setting(key.path, assignment.value))
    }

    private mutating func set(
        _ key: Key<Root>, _ assignment: RecipeAssignment
    ) throws(ConfigurationError) {
        guard key.set(assignment.value, in: &root) else {
            let found = assignment.value.description
            throw ConfigurationError(
                assignment.place
                    + "\(assignment.path) is \(RecipeText.quoted(found)), expected \(key.expected)"
                    + NearestNames.suggestion(for: found, among: key.choices))
        }
    }

    private func unknown(_ assignment: RecipeAssignment) -> ConfigurationError {
        let path = assignment.path
        let others = absent.filter { $0.key.path == path }
        guard let section = others.first?.key.section else {
            return ConfigurationError(
                assignment.place + "unknown key \(RecipeText.quoted(path))"
                    + NearestNames.suggestion(for: path, among: keys.map(\.path)))
        }
        let decisive = keys.filter { $0.isDecisive && $0.section == section }
            .map { "; \($0.path) is \($0.text(in: root))" }
        return ConfigurationError(
            assignment.place
                + "\(path) belongs to \(Self.owners(others))"
                + decisive.joined())
    }

    private static func owners(_ keys: [AbsentKey<Root>]) -> String {
        let names = keys.map(\.owner)
        let first = names.dropLast().joined(separator: ", ")
        return first.isEmpty ? names.joined() : "\(first) and \(names[names.count - 1])"
    }
}
