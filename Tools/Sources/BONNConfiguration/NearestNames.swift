/// The names closest to a mistyped one, for error messages.
package enum NearestNames {
    /// Up to `limit` of the candidates, closest first; those that share nothing with `name` are
    /// left out.
    static func of(_ name: String, among candidates: [String], limit: Int = 3) -> [String] {
        let scored = candidates.map { ($0, distance(name.lowercased(), $0.lowercased())) }
        let near = scored.filter { $0.1 <= max(2, max(name.count, $0.0.count) / 2) }
        return near.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.prefix(limit).map(\.0)
    }

    /// "; did you mean a, b or c?", or nothing when no candidate is near, as to a name that is much
    /// longer than all of them.
    static func suggestion(for name: String, among candidates: [String]) -> String {
        guard name.utf8.count <= 100 else { return "" }
        let near = of(name, among: candidates)
        guard let last = near.last else { return "" }
        let head = near.dropLast().joined(separator: ", ")
        return "; did you mean " + (head.isEmpty ? last : "\(head) or \(last)") + "?"
    }

    /// Levenshtein's edit distance.
    package static func distance(_ a: String, _ b: String) -> Int {
        let b = Array(b)
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let substitution = diagonal + (x == y ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substitution, row[j] + 1, diagonal + 1)
            }
        }
        return row[b.count]
    }
}
