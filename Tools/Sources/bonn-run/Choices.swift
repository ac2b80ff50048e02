/// The message for an option whose value is not one of a list.
enum Choices {
    /// One line: the option, what was found, the valid values with the nearest first.
    static func message(_ option: String, found: String, valid: [String]) -> String {
        "\(option): unknown value '\(found)'; valid values: "
            + nearestFirst(valid, to: found).joined(separator: ", ")
    }

    /// The values by their distance from what was typed; equally near ones keep their order.
    static func nearestFirst(_ values: [String], to typed: String) -> [String] {
        values.enumerated()
            .map { (distance: distance($0.element, typed), place: $0.offset, value: $0.element) }
            .sorted { ($0.distance, $0.place) < ($1.distance, $1.place) }
            .map(\.value)
    }

    /// The edit distance of Levenshtein: insertions, deletions and substitutions of characters.
    private static func distance(_ a: String, _ b: String) -> Int {
        let b = Array(b.lowercased())
        var row = Array(0...b.count)
        for (i, character) in a.lowercased().enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in b.enumerated() {
                let substituted = diagonal + (character == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, diagonal + 1, row[j] + 1)
            }
        }
        return row[b.count]
    }
}
