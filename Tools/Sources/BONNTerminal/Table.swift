import BONNModelFormat

/// Rows of cells as lines whose columns stand under each other.
public struct Table {
    /// The lines, without spaces at their ends.
    public let lines: [String]

    /// Sets a table; a row may have fewer cells than others.
    ///
    /// - Parameter left: The columns that are set to the left; the others are to the right.
    public init(_ rows: [[String]], left: Set<Int> = [0]) {
        let rows = rows.map { $0.map { printable($0) } }
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? displayWidth($0[column]) : 0 }.max() ?? 0
        }
        lines = rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - displayWidth(cell))
                return left.contains(column) ? cell + padding : padding + cell
            }
            var text = cells.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            return text
        }
    }
}

/// The columns that a terminal gives to a text: none to marks on other letters, two to the wide letters
/// of East Asia and to pictures.
public func displayWidth(_ text: String) -> Int {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
    return text.unicodeScalars.reduce(0) { $0 + displayWidth($1) }
}

private func displayWidth(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    if scalar.properties.isEmojiPresentation { return 2 }
    return wideBlocks.contains { $0.contains(scalar.value) } ? 2 : 1
}

/// Blocks of wide characters: Hangul, CJK, Kana, Yi, full-width forms and the supplementary ideographs.
private let wideBlocks: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
    0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
    0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD,
]
