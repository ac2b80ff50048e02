import BONNFiles
public import BONNModelFormat
import Foundation

/// What the command lines write, and where: results on standard output, notes and complaints on
/// standard error.
///
/// Text passes `printable(_:)` on its way, so that no name from a file can move the cursor or forge a
/// line. Results are written at once; a command that gives results stops at the first that is lost
/// (`line`, `table`, `json`), long work goes on and says so once at its end (`tell`, `finishTelling`).
public enum Terminal {
    /// Whether a person watches standard error.
    public static let isInteractive = isatty(STDERR_FILENO) == 1

    /// A line of results.
    public static func line(_ line: String) throws(OutputLost) {
        try ResultStream.standard.write(printable(line) + "\n")
    }

    /// Lines of results.
    public static func lines(_ lines: [String]) throws(OutputLost) {
        guard !lines.isEmpty else { return }
        try ResultStream.standard.write(lines.map { printable($0) + "\n" }.joined())
    }

    /// Text of several lines that this program made, such as a recipe or a help text; ends with a line
    /// break.
    public static func document(_ text: String) throws(OutputLost) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        try self.lines(lines.last == "" ? lines.dropLast() : lines)
    }

    /// Rows as columns of equal width; the columns in `left` to the left, the others to the right.
    public static func table(_ rows: [[String]], left: Set<Int> = [0]) throws(OutputLost) {
        try lines(Table(rows, left: left).lines)
    }

    /// A value as JSON on one line.
    public static func json(_ value: JSONValue) throws(OutputLost) {
        try ResultStream.standard.write(escapedJSON(value.text) + "\n")
    }

    /// A value as JSON with sorted keys in snake case.
    public static func json(_ value: some Encodable) throws {
        try ResultStream.standard.write(escapedJSON(encodedJSON(value)) + "\n")
    }

    /// A line of long work, which goes on whether or not anybody can read it.
    public static func tell(_ line: String) {
        try? self.line(line)
    }

    /// A value of long work as JSON with sorted keys in snake case; as `tell(_:)`.
    ///
    /// Throws what encoding throws.
    public static func tell(json value: some Encodable) throws {
        try? ResultStream.standard.write(escapedJSON(encodedJSON(value)) + "\n")
    }

    /// Ends the lines of long work: says on standard error if some were lost.
    public static func finishTelling() {
        try? ResultStream.standard.finish()
        guard let (loss, writes) = ResultStream.standard.takeLoss() else { return }
        note("\(count(writes, "line")) lost: \(loss)")
    }

    /// A line of progress or a warning on standard error, as far as that can be written.
    public static func note(_ line: String) {
        // A progress bar may stand there.
        let start = isInteractive ? clearedLine : ""
        _ = writeAll((start + printable(line) + "\n").utf8, to: STDERR_FILENO)
    }

    /// What empties the line of a terminal.
    static let clearedLine = "\r\u{1B}[2K"

    /// One line on standard error, whatever line breaks the message has.
    public static func complain(_ message: String) {
        note(
            message.split(whereSeparator: \.isNewline)
                .map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " "))
    }

    /// Ends the results; throws if the last of them were lost.
    static func finish() throws(OutputLost) { try ResultStream.standard.finish() }
}
