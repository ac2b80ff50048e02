/// Sets the keys of a value, those of today and those of older recipes.
struct RecipeReader<Root: Configurable> {
    private(set) var root: Root
    private var keys: [Key<Root>]
    private var absent: [AbsentKey<Root>]
    private var renamed: [(source: String, note: String)] = []
    private var leftOut: [(source: String, note: String)] = []

    init(_ root: Root) {
        self.root = root
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
            try set(key, assignment)
        } else if let key = keys.first(where: { $0.formerPath == path }) {
            try set(key, assignment)
            renamed.append((assignment.source, "\(path) is now \(key.path)"))
        } else if let other = absent.first(where: { $0.key.formerPath == path }) {
            // It had no effect then either; recipes that were written with all keys have it.
            try set(other.key, assignment)
            leftOut.append((assignment.source, "\(path) belongs to \(other.owner)"))
        } else {
            throw unknown(assignment)
        }
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
                + "\(path) belongs to \(others.map(\.owner).joined(separator: ", "))"
                + decisive.joined())
    }
}
