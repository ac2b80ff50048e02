import BONNConfiguration

/// The message for an option whose value is not one of a list.
enum Choices {
    /// One line: the option, what was found, the valid values with the nearest first.
    static func message(_ option: String, found: String, valid: [String]) -> String {
        "\(option): unknown value '\(found)'; valid values: "
            + nearestFirst(valid, to: found).joined(separator: ", ")
    }

    /// The values by their distance from what was typed; equally near ones keep their order.
    static func nearestFirst(_ values: [String], to typed: String) -> [String] {
        let typed = typed.lowercased()
        return values.enumerated()
            .map { (NearestNames.distance($0.element.lowercased(), typed), $0.offset, $0.element) }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
            .map(\.2)
    }
}
