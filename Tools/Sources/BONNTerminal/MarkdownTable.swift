/// Rows of cells as a table of Markdown, and text that stays within a cell.
public enum MarkdownTable {
    /// The lines of a table.
    ///
    /// - Parameter right: the columns that are set to the right; the others are to the left.
    public static func lines(
        _ header: [String], _ rows: [[String]], right: Set<Int>
    ) -> [String] {
        func line(_ cells: [String]) -> String {
            "| " + cells.map(escaped).joined(separator: " | ") + " |"
        }
        let rule = header.indices.map { right.contains($0) ? "---:" : "---" }
        return [line(header), "|" + rule.joined(separator: "|") + "|"] + rows.map(line)
    }

    /// Text in which nothing ends a cell or a line.
    public static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "|": result += "\\|"
            case _ where character.isNewline: result += " "
            default: result.append(character)
            }
        }
        return result
    }
}
