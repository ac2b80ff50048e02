import BONNMethods
import BONNModelFormat
import BONNTerminal
import BONNTrainer
import Foundation

/// Shows a run: a table that grows by one row an epoch, and a bar below it.
final class TrainingDisplay {
    private let json: Bool
    private let bar = ProgressBar()
    private var transfer: WeightTransfer?
    private var objectives: [String] = []
    private var hasValidation = false

    init(json: Bool) {
        self.json = json
    }

    /// Shows one event.
    func show(_ event: TrainingEvent, _ run: TrainingState) {
        switch event {
        case .started(let summary): start(summary)
        case .stage(let summary): begin(summary)
        case .step(let step): show(step)
        case .objective(let title, let epoch): line("The \(title) acts from epoch \(epoch) on.")
        case .skipped(let message): line("Left out: \(message)")
        case .saved: break
        case .epoch(let row): line(self.row(row))
        }
    }

    /// Says how the run ended.
    ///
    /// - Throws: `OutputLost` when the result as JSON is lost: that is what the command was asked for.
    func finish(_ outcome: TrainingOutcome, directory: String) throws {
        bar.clear()
        if json {
            try Terminal.json(
                Report(
                    finished: outcome.isFinished, directory: directory,
                    bestEpoch: outcome.bestEpoch, bestTop1: outcome.bestTop1,
                    bestSelectedOn: outcome.selection, test: outcome.finalTest,
                    skippedImages: outcome.skippedImages, epochs: outcome.metrics,
                    weights: transfer.map(WeightReport.init)))
            return
        }
        if outcome.skippedImages > 0 {
            Terminal.tell("\(outcome.skippedImages) images were left out as unreadable.")
        }
        if !outcome.isFinished {
            Terminal.tell(
                "Stopped and saved after \(Self.progress(outcome.epochs, outcome.steps)). Go on with: "
                    + "bonn train --resume --output \(directory)")
        } else if let epoch = outcome.bestEpoch, let top1 = outcome.bestTop1 {
            Terminal.tell(Self.best(epoch, top1, outcome))
            Terminal.tell("Checkpoints, config.yaml and tables: \(directory)")
        }
    }

    private struct Report: Encodable {
        let finished: Bool
        let directory: String
        let bestEpoch: Int?
        let bestTop1: Double?
        let bestSelectedOn: SelectionSet
        let test: FinalTest?
        let skippedImages: Int
        let epochs: [EpochMetrics]
        let weights: WeightReport?
    }

    /// The best epoch, and what it was chosen on.
    private static func best(_ epoch: Int, _ top1: Double, _ outcome: TrainingOutcome) -> String {
        switch outcome.selection {
        case .test:
            return
                "Best test top-1: \(Terminal.percent(top1)) in epoch \(epoch), which was chosen on "
                + "these test images: others will show less."
        case .validation:
            let test = outcome.finalTest.map {
                " Test top-1 of that epoch: \(Terminal.percent($0.top1))."
            }
            return "Best validation top-1: \(Terminal.percent(top1)) in epoch \(epoch)."
                + (test ?? "")
        }
    }

    private func start(_ summary: RunSummary) {
        let run = summary.stage.stage.configuration.run
        hasValidation = summary.dataset.validationImages != nil
        line(
            "\(summary.dataset), device \(run.device), \(run.threads) threads, "
                + "folder \(summary.directory)")
        for note in summary.notes { line(note) }
        if summary.completedEpochs > 0 || summary.completedSteps > 0 {
            let progress = Self.progress(summary.completedEpochs, summary.completedSteps)
            line("Going on after \(progress).")
        }
        if let earlier = summary.earlierEpochs {
            line(
                "\(summary.epochs) epochs in all instead of \(earlier): learning "
                    + "rate and fine-tuning follow the new plan from here on.")
        }
        transfer = summary.stage.transfer
        begin(summary.stage)
    }

    private func begin(_ summary: StageSummary) {
        let model = summary.stage.configuration.model
        if summary.stages > 1 {
            let stage = summary.stage
            line(
                "Stage \(stage.index + 1) of \(summary.stages)"
                    + (stage.name.isEmpty ? "" : ", \(printable(stage.name, limit: 60))")
                    + ": epochs \(stage.firstEpoch + 1) to \(stage.end)")
        }
        line(
            "\(model.network) \(model.widths.map(String.init).joined(separator: "-")), "
                + "method \(model.method.name): \(Terminal.grouped(summary.binaryParameters)) "
                + "1-bit and \(Terminal.grouped(summary.realParameters)) 32-bit parameters")
        if let transfer = summary.transfer { WeightReport(transfer).lines.forEach(line) }
        let measured = hasValidation ? "validat." : "    test"
        objectives = summary.objectives
        line(
            "epoch       rate     loss" + objectives.map(Self.heading).joined()
                + "    train \(measured)    top-5   img/s")
    }

    private static func progress(_ epochs: Int, _ steps: Int) -> String {
        "\(epochs) epochs and \(steps) steps"
    }

    /// Nine characters for the column of a term.
    private static func heading(_ name: String) -> String {
        let word = name == CrossEntropy.name ? "ce" : name.split(separator: "_").first ?? ""
        return " " + String(repeating: " ", count: max(0, 8 - word.count)) + word.prefix(8)
    }

    private func row(_ row: EpochMetrics) -> String {
        func share(_ value: Double?) -> String {
            value.map { String(format: "%7.2f%%", $0 * 100) } ?? "       -"
        }
        return String(
            format: "%5d %10.4g %8.4f", row.epoch, row.learningRate, row.trainLoss)
            + objectives.map { String(format: " %8.4f", row.losses[$0] ?? 0) }.joined()
            + " " + share(row.trainTop1) + " " + share(row.testTop1 ?? row.validationTop1) + " "
            + share(row.testTop5 ?? row.validationTop5)
            + String(format: " %7.0f", row.imagesPerSecond)
    }

    private func show(_ step: StepReport) {
        let left = Double((step.epochs - step.epoch) * step.steps + step.steps - step.step)
        let perStep = step.step > 0 ? step.secondsPerStep : 0
        bar.update(
            done: step.step, total: step.steps, label: "epoch \(step.epoch)/\(step.epochs)",
            detail: String(
                format: "loss %.4f  top-1 %.1f %%  %.0f img/s  ", step.losses.total,
                step.top1 * 100, step.imagesPerSecond)
                + Terminal.duration(left * perStep) + " left")
    }

    private func line(_ text: String) {
        bar.clear()
        if json { Terminal.note(text) } else { Terminal.tell(text) }
    }
}
