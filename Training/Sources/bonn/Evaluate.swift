import ArgumentParser
import BONNData
import BONNModelFormat
import BONNTerminal
import BONNTrainer
import Foundation
import Torch

/// `bonn evaluate`.
struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure a checkpoint on a data set.",
        discussion: """
            Uses the test images, and the moving averages of the weights where the run kept them.

            Example:
              bonn evaluate runs/first/best.safetensors --data cifar-10-batches-bin --json
            """)

    @Argument(help: "A checkpoint: last.safetensors or best.safetensors of a run.")
    var checkpoint: String

    @Option(
        help: ArgumentHelp("CIFAR, IDX or image folder, or synthetic[:N].", valueName: "path"))
    var data: String

    @Option(help: ArgumentHelp("Images per batch.", valueName: "n"))
    var batchSize = 256

    @Option(
        help: ArgumentHelp(
            "Only so many images, each class with its share; 0: all.", valueName: "n"))
    var images = 0

    @Option(help: ArgumentHelp("cpu, cuda, cuda:N or mps.", valueName: "device"))
    var device = "cpu"

    @Option(help: ArgumentHelp("Threads of LibTorch; 0: one per core.", valueName: "n"))
    var threads = 0

    @Flag(help: "Leave out and count unreadable images instead of stopping.")
    var skipBroken = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard batchSize >= 1, images >= 0, threads >= 0 else {
            throw ValidationError(
                "--batch-size must be at least 1, --images and --threads at least 0")
        }
    }

    func run() throws {
        let stored = try Checkpoint.open(checkpoint)
        let target = try Device(parsing: device)
        try target.requireAvailable()
        try setThreads(threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount)
        var configuration = stored.configuration
        configuration.data.batchSize = batchSize
        configuration.data.skipBroken = skipBroken
        let network = try stored.network(on: target, source: checkpoint)
        let (dataset, notes) = try stored.testImages(
            of: data, count: images, configuration: configuration, source: checkpoint)
        notes.forEach(Terminal.note)
        let bar = ProgressBar()
        let result = try Evaluator(configuration).measure(
            network, on: dataset, device: target
        ) { done in
            bar.update(done: done, total: dataset.count, label: "evaluating", detail: "")
        }
        bar.clear()
        guard let result else { return }
        for message in result.skipped { Terminal.note("Left out: \(message)") }
        if json {
            try Terminal.json(
                Report(
                    images: result.images, top1: result.top1, top5: result.top5,
                    loss: result.loss, skippedImages: result.skipped.count,
                    classNames: dataset.classNames.map(\.text), confusion: result.confusion.rows))
        } else {
            try show(result, classNames: dataset.classNames.map(\.text))
        }
    }

    private struct Report: Encodable {
        let images: Int
        let top1: Double
        let top5: Double
        let loss: Double
        let skippedImages: Int
        let classNames: [String]
        let confusion: [[Int]]
    }

    private func show(_ result: EvaluationResult, classNames: [String]) throws(OutputLost) {
        try Terminal.line("images  \(result.images)")
        try Terminal.line("top-1   \(Terminal.percent(result.top1))")
        try Terminal.line("top-5   \(Terminal.percent(result.top5))")
        try Terminal.line(String(format: "loss    %.4f", result.loss))
        guard classNames.count <= 20 else { return }
        try Terminal.lines(["", "Rows are true classes, columns predictions:"])
        let header = [""] + classNames.map { String($0.prefix(10)) }
        let rows = zip(classNames, result.confusion.rows).map { name, counts in
            [name] + counts.prefix(classNames.count).map(String.init)
        }
        try Terminal.table([header] + rows)
    }
}
