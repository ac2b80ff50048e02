import ArgumentParser
import BONNData
import BONNMethods
import BONNTerminal
import BONNTrainer
import Foundation

/// `bonn train`.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a network.",
        discussion: """
            Every key of a recipe can be overridden: the common ones by an option of their own, all \
            of them by --set.

            Ctrl-C, SIGTERM and SIGHUP (unless it is ignored, as under nohup) finish the step, save \
            and exit with 130, 143 and 129, as a shell reports them; --resume goes on exactly where \
            the run stopped, or was killed. A job that is started again and again has one command \
            for the first time and all others with --resume-or-start.

            --resume --epochs N gives a run, finished or not, another number of epochs: the learning \
            rate and the share of fine-tuning are those of a run of N epochs from here on (a cosine \
            or a line stands again where it would stand on its way to N; the milestones of a step \
            schedule stay), and the optimizer's state goes on. Such a run is not the run of N epochs \
            from the start, whose rate was another one before.

            --from CHECKPOINT starts a new run from the weights of another one, with its network \
            unless a recipe or an option gives another: tensors of the same name and shape are \
            taken, the moving averages where the other run kept them, and nothing of its optimizer. \
            With other classes the last layer starts anew.

            A recipe may have stages: a list under stages:, each item with an optional name and lines of \
            section.key: value for the keys that are others in it, schedule.epochs among them. A stage \
            starts from the weights of the one before, as a run does with --from; its schedule and its \
            losses count its own epochs, and the best epoch is one of the last stage \
            (recipes/wrn22-cifar10-react-stages-quick.yaml).

            A recipe may stand on another one: extends: FILE, a path from its own folder, and the keys that \
            are others (recipes/paper has a file for each row of the paper's tables).

            Examples:
              bonn train --data synthetic --model wrn22 --widths 16-16-32-64 --epochs 3
              bonn train --data cifar-10-batches-bin --config recipes/wrn22-cifar10.yaml \
            --set losses.feature=0 --output runs/no-feature-loss
              bonn train --resume --output runs/no-feature-loss
              bonn train --resume --output runs/no-feature-loss --epochs 300
              bonn train --data flowers --from runs/no-feature-loss/best.safetensors --epochs 20
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

    @Option(
        help: ArgumentHelp("A checkpoint whose weights the run starts from.", valueName: "file"))
    var from: String?

    @Flag(help: "Go on with the run in the output folder; fails where there is none.")
    var resume = false

    @Flag(help: "Go on with the run in the output folder, or start it where there is none.")
    var resumeOrStart = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard !resume || !resumeOrStart else {
            throw ValidationError("give --resume or --resume-or-start, not both")
        }
        guard !resume || from == nil else {
            throw ValidationError(
                "--from starts a new run, --resume goes on with one; a job that is started again "
                    + "takes --from with --resume-or-start")
        }
    }

    func run() throws {
        let start = try TrainingStart.prepare(self)
        let splits = try DatasetSplits.open(
            start.configuration.data.path, options: start.configuration.datasetOptions)
        let display = TrainingDisplay(json: json)
        let trainer = try Trainer(
            configuration: start.configuration, splits: splits, directory: start.directory,
            resuming: start.checkpoint, startingFrom: start.weights, observers: [display.show])
        let stop = StopRequest()
        let signals = SignalHandling(stop)
        let outcome = try withExtendedLifetime(signals) { try trainer.run(stop: stop) }
        try display.finish(outcome, directory: start.directory.path)
        Terminal.finishTelling()
        if !outcome.isFinished, let signal = stop.signal {
            // As a shell reports a program that a signal ended, so that `train && export` stops.
            throw ExitCode(128 + signal)
        }
    }
}
