import Foundation

/// What the tool writes, and where: results on standard output, progress on standard error.
enum Terminal {
    /// Whether a person watches standard error.
    static let isInteractive = isatty(STDERR_FILENO) == 1

    /// A line of results, written at once.
    static func line(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }

    /// A line of progress or a warning.
    static func note(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }

    /// A value as JSON with sorted keys in snake case.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// A share as a percentage with two decimals.
    static func percent(_ share: Double) -> String {
        String(format: "%.2f %%", share * 100)
    }

    /// A duration as `1:02:03` or `2:03`.
    static func duration(_ seconds: Double) -> String {
        let whole = Int(max(0, seconds.isFinite ? seconds : 0).rounded())
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        return hours > 0
            ? String(format: "%d:%02d:%02d", hours, minutes, rest)
            : String(format: "%d:%02d", minutes, rest)
    }

    /// A count with thin groups of three digits: `1 234 567`.
    static func grouped(_ count: Int) -> String {
        var text = ""
        for (position, digit) in String(count).reversed().enumerated() {
            if position > 0 && position % 3 == 0 && digit != "-" { text = " " + text }
            text = "\(digit)" + text
        }
        return text
    }

    /// Rows as columns of equal width; the first column to the left, the others to the right.
    static func table(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + padding : padding + cell
            }
            return cells.joined(separator: "  ").trimmingCharacters(in: .newlines)
        }.joined(separator: "\n")
    }
}

/// Progress of long work: a bar that is redrawn on a terminal, a plain line now and then otherwise.
final class ProgressBar {
    private let secondsBetweenRedraws = Terminal.isInteractive ? 0.1 : 30.0
    private var lastDraw = Date()
    private var isVisible = false

    /// Shows `done` of `total`, if it is time to.
    func update(done: Int, total: Int, label: String, detail: @autoclosure () -> String) {
        let now = Date()
        guard now.timeIntervalSince(lastDraw) >= secondsBetweenRedraws else { return }
        lastDraw = now
        let share = total > 0 ? min(1, Double(done) / Double(total)) : 0
        guard Terminal.isInteractive else {
            Terminal.note("\(label) \(done)/\(total)  \(detail())")
            return
        }
        let width = 24
        let filled = Int(share * Double(width))
        let bar =
            String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        write("\r\u{1B}[2K\(label) \(bar) \(done)/\(total)  \(detail())")
        isVisible = true
    }

    /// Takes the bar away, so that a line can be written in its place.
    func clear() {
        guard isVisible else { return }
        write("\r\u{1B}[2K")
        isVisible = false
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
