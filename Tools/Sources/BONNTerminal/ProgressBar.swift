import BONNFiles
import BONNModelFormat
import Foundation

/// Progress of long work on standard error: a bar that is redrawn on a terminal, a plain line now and
/// then otherwise.
public final class ProgressBar {
    private let pause: Duration = Terminal.isInteractive ? .milliseconds(100) : .seconds(30)
    private var lastDraw = ContinuousClock.now
    private var isVisible = false

    /// A bar that is not drawn yet.
    public init() {}

    /// Shows `done` of `total`, if it is time to.
    public func update(done: Int, total: Int, label: String, detail: @autoclosure () -> String) {
        let now = ContinuousClock.now
        guard now - lastDraw >= pause else { return }
        lastDraw = now
        guard Terminal.isInteractive else {
            Terminal.note("\(label) \(done)/\(total)  \(detail())")
            return
        }
        let share = total > 0 ? min(1, max(0, Double(done) / Double(total))) : 0
        let width = 24
        let filled = Int(share * Double(width))
        let bar =
            String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        draw(printable("\(label) \(bar) \(done)/\(total)  \(detail())"))
        isVisible = true
    }

    /// Takes the bar away, so that a line can be written in its place.
    public func clear() {
        guard isVisible else { return }
        draw("")
        isVisible = false
    }

    private func draw(_ text: String) {
        _ = writeAll((Terminal.clearedLine + text).utf8, to: STDERR_FILENO)
    }
}
