import ArgumentParser
import BONN
import BONNData
import BONNTrainer
import Foundation

/// `bonn train`.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a network.",
        discussion: """
            Every key of a recipe can be overridden: the common ones by an option of their own, all \
            of them by --set. Ctrl-C and SIGTERM finish the step, save and exit with 130 and 143, \
            as a shell reports them; --resume goes on exactly where the run stopped, or was killed.

            Examples:
              bonn train --data synthetic --model wrn22 --widths 16-16-32-64 --method bonn --epochs 3
              bonn train --data cifar-10-batches-bin --config recipes/wrn22-cifar10.yaml \
            --set losses.feature=0 --output runs/no-feature-loss
              bonn train --resume --output runs/no-feature-loss
            """)

    @Option(
        help: ArgumentHelp(
            "CIFAR, IDX or image folder, or synthetic[:N].", valueName: "path"))
    var data: String?

    @OptionGroup(title: "Configuration") var recipe: RecipeOptions

    @Option(
        help: ArgumentHelp(
            "The run directory; without it, runs/MODEL-METHOD-seedN.", valueName: "folder"))
    var output: String?

    @Flag(help: "Go on with the run in the output folder.")
    var resume = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() throws {
        let (configuration, path, checkpoint) = try prepared()
        let splits = try DatasetSplits.open(
            configuration.data.path, options: configuration.data.options)
        let display = TrainingDisplay(json: json)
        let trainer = try Trainer(
            configuration: configuration, splits: splits, directory: try RunDirectory(path),
            resuming: checkpoint, report: display.show)
        let stop = StopRequest()
        let signals = SignalHandling(stop)
        let outcome = try withExtendedLifetime(signals) { try trainer.run(stop: stop) }
        try display.finish(outcome, directory: path)
        if !outcome.isFinished, let signal = stop.signal {
            // As a shell reports a program that a signal ended, so that `train && export` stops.
            throw ExitCode(128 + signal)
        }
    }

    /// The configuration, the run directory and the checkpoint to go on from.
    private func prepared() throws -> (TrainingConfiguration, String, Checkpoint?) {
        var configuration = try recipe.configuration(data: data, output: output)
        let path = configuration.run.output.isEmpty ? "" : configuration.run.output
        guard resume else {
            try requireData(configuration)
            let folder = path.isEmpty ? Self.freeFolder(for: configuration) : path
            guard !RunDirectory.holdsRun(at: folder) else {
                throw ValidationError(
                    "\(folder) holds a run already; add --resume to go on with it, or choose "
                        + "another --output")
            }
            return (configuration, folder, nil)
        }
        guard !path.isEmpty else {
            throw ValidationError("--resume needs --output, the folder of the run to go on with")
        }
        let last = RunDirectory.lastPath(in: path)
        let checkpoint =
            FileManager.default.fileExists(atPath: last) ? try Checkpoint(path: last) : nil
        if let checkpoint {
            configuration = try recipe.configuration(
                over: checkpoint.configuration, data: data, output: output)
        } else if FileManager.default.fileExists(atPath: RunDirectory.configurationPath(in: path)) {
            // Killed before the first checkpoint: the recipe is all there is.
            let stored = try Recipe.read(path: RunDirectory.configurationPath(in: path))
            configuration = try recipe.configuration(over: stored, data: data, output: output)
        }
        try requireData(configuration)
        return (configuration, path, checkpoint)
    }

    private func requireData(_ configuration: TrainingConfiguration) throws {
        if configuration.data.path.isEmpty {
            throw ValidationError(
                "--data is missing: a CIFAR, IDX or image folder, or synthetic")
        }
    }

    /// The first of `runs/wrn22-bonn-seed1`, `runs/wrn22-bonn-seed1-2` ... that holds no run.
    private static func freeFolder(for configuration: TrainingConfiguration) -> String {
        let name =
            "runs/\(configuration.model.model.rawValue)-\(configuration.model.method.rawValue)"
            + "-seed\(configuration.run.seed)"
        var folder = name
        var number = 1
        while RunDirectory.holdsRun(at: folder) {
            number += 1
            folder = "\(name)-\(number)"
        }
        return folder
    }
}
