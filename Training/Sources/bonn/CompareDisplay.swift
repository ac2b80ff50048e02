import BONNCompare
import BONNMethods
import BONNTerminal
import BONNTrainer
import Foundation

/// Shows a comparison: a line for each run that ends, and one line of progress below.
final class CompareDisplay {
    private let json: Bool
    private let bar = ProgressBar()

    init(json: Bool) {
        self.json = json
    }

    /// Shows one event.
    func show(_ event: ComparisonEvent) {
        switch event {
        case .note(let text): line("Note: \(text)")
        case .measuring(let name): line("Measuring the speed of \(name).")
        case .chose(let name, let epochs):
            line("\(name) trains \(Terminal.count(epochs, "epoch")).")
        case .begins: break
        case .training(let place, let event): show(event, place)
        case .ended(let place, let run): line(self.text(place, run))
        case .exporting(let name): if Terminal.isInteractive { note("exporting \(name)") }
        }
    }

    /// Shows the table and says where it lies.
    func finish(_ comparison: Comparison, output: String) throws {
        bar.clear()
        if json {
            try Terminal.document(comparison.json())
            return
        }
        try Terminal.table(Self.rows(comparison), left: [0, 1])
        for row in comparison.rows {
            for remark in row.remarks { try Terminal.line("\(row.name): \(remark)") }
        }
        try Terminal.line("Table and curves: \(output)/compare.md, .csv, .json and .svg")
    }

    private static func rows(_ comparison: Comparison) -> [[String]] {
        let header = [
            "recipe", "method", "runs", "epochs", "top-1 %", "last 3 %", "Mbit", "MOPs", "img/s",
            "ms", "bytes",
        ]
        return [header] + comparison.rows.map(cells)
    }

    private static func cells(_ row: ComparisonRow) -> [String] {
        func number(_ value: Double?, _ decimals: Int) -> String {
            value.map { Terminal.fixed($0, decimals) } ?? "-"
        }
        var cells = [row.name, row.method, "\(row.finished.count)/\(row.runs.count)"]
        cells.append(row.epochs.map(String.init) ?? "-")
        cells += [share(row.final), share(row.lastThree)]
        cells.append(number(row.cost?.megabits, 3))
        cells.append(number(row.cost.map { $0.operations / 1e6 }, 2))
        cells.append(number(row.imagesPerSecond, 0))
        cells.append(number(row.deployment?.milliseconds, 3))
        cells.append(row.deployment?.bytes.map(Terminal.grouped) ?? "-")
        return cells
    }

    /// mean ± deviation, in percent.
    private static func share(_ spread: Spread?) -> String {
        guard let spread else { return "-" }
        let deviation = spread.deviation.map { " ± " + Terminal.fixed($0 * 100, 2) } ?? ""
        return Terminal.fixed(spread.mean * 100, 2) + deviation
    }

    private func text(_ place: ComparisonPlace, _ run: SeedRun) -> String {
        let start = "\(place.index)/\(place.count) \(place.name) seed \(place.seed): "
        switch run.status {
        case .finished:
            let top1 = run.finalTop1.map { "top-1 " + Terminal.percent($0) } ?? "finished"
            let minutes = run.minutes.map { " in \(Terminal.duration($0 * 60))" } ?? ""
            return start + top1 + " after \(Terminal.count(run.epochs ?? 0, "epoch"))" + minutes
        case .failed: return start + "failed: \(run.message ?? "")"
        case .unfinished, .missing:
            let done = Terminal.count(run.curve.last?.epoch ?? 0, "epoch")
            return start + "stopped after \(done)" + (run.message.map { ": \($0)" } ?? "")
        }
    }

    private func show(_ event: TrainingEvent, _ place: ComparisonPlace) {
        switch event {
        case .skipped(let message): line("\(place.name): left out: \(message)")
        case .step(let step):
            bar.update(
                done: place.index, total: place.count, label: "run",
                detail: Self.progress(step, place))
        case .started, .stage, .objective, .saved, .epoch: break
        }
    }

    private static func progress(_ step: StepReport, _ place: ComparisonPlace) -> String {
        let left = Double((step.epochs - step.epoch) * step.steps + step.steps - step.step)
        let run = left * step.secondsPerStep
        let others =
            Double(place.count - place.index) * Double(step.epochs * step.steps)
            * step.secondsPerStep
        let start = "\(place.name) seed \(place.seed)  epoch \(step.epoch)/\(step.epochs)"
        let state = String(
            format: "  loss %.3f  top-1 %.1f %%  %.0f img/s  ", step.losses.total,
            step.top1 * 100, step.imagesPerSecond)
        let all = Terminal.duration(run + others)
        return start + state + "\(Terminal.duration(run)) left, all about \(all)"
    }

    private func note(_ text: String) {
        bar.clear()
        Terminal.note(text)
    }

    private func line(_ text: String) {
        bar.clear()
        if json { Terminal.note(text) } else { Terminal.tell(text) }
    }
}
