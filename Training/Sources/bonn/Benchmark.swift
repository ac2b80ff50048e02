import ArgumentParser
import BONNConfiguration
import BONNMethods
import BONNTerminal
import BONNTrainer
import Foundation
import Torch

/// `bonn benchmark`.
struct Benchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the training step, or inference in LibTorch, on random data.",
        discussion: """
            One batch stays on the device; a step is forward, the losses of a last epoch, backward \
            and the optimiser's update. The median of --steps steps counts, after two that do not.

            Examples:
              bonn benchmark --model wrn22 --widths 16-16-32-64 --batch-size 128 --threads 2
              bonn benchmark --model resnet18 --inference --batch-size 1 --steps 50
            """)

    @OptionGroup(title: "Configuration") var recipe: RecipeOptions

    @Option(help: ArgumentHelp("Steps to measure.", valueName: "n"))
    var steps = 10

    @Flag(help: "Measure the forward pass of evaluation instead of a training step.")
    var inference = false

    @Option(
        help: ArgumentHelp(
            "Images, one side or HEIGHTxWIDTH; 0: 32 or 224, by the stem.", valueName: "size"),
        transform: imageSize(parsing:))
    var imageSize: ImageSize = 0

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard steps >= 1 else { throw ValidationError("--steps must be at least 1") }
    }

    func run() throws {
        let result = try TrainingBenchmark(
            try recipe.configuration(), step: inference ? .inference : .training,
            imageSize: imageSize, steps: steps
        ).run()
        if json {
            try Terminal.json(Report(result))
            return
        }
        try Terminal.line("\(result.device), \(result.threads) threads, LibTorch \(torchVersion)")
        if loopThreads < result.threads {
            Terminal.note("Note: fused operations run on \(loopThreads) of them.")
        }
        try Terminal.line(
            String(
                format: "%.1f images/s, median step %.1f ms of %d steps with %d images",
                result.imagesPerSecond, result.medianSeconds * 1e3, result.steps, result.batchSize))
    }

    private struct Report: Encodable {
        let model: String
        let widths: [Int]
        let batchSize: Int
        let threads: Int
        let device: String
        let steps: Int
        let torch: String
        let imagesPerSecond: Double
        let stepMsMedian: Double

        init(_ result: TrainingBenchmark.Result) {
            model = result.model
            widths = result.widths
            batchSize = result.batchSize
            threads = result.threads
            device = result.device
            steps = result.steps
            torch = torchVersion
            imagesPerSecond = (result.imagesPerSecond * 10).rounded() / 10
            stepMsMedian = (result.medianSeconds * 1e5).rounded() / 100
        }
    }
}
