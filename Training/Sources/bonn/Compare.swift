import ArgumentParser
import BONNCompare
import BONNTerminal
import BONNTrainer
import Foundation

/// `bonn compare`.
struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train recipes under one budget and several seeds, and write one table of them.",
        discussion: """
            Each recipe and seed is a run directory of its own, OUTPUT/RECIPE/seed-S: what bonn train \
            --config RECIPE --epochs N --seed S --output OUTPUT/RECIPE/seed-S leaves there is the same \
            run, and is not trained again. The same command, given again, goes on where it stopped or was \
            killed. Beside the runs lie the table (compare.md, compare.csv, compare.json) and its curves \
            (compare.svg), which are written anew after every run.

            With --minutes, the speed of each recipe is measured first, and it trains as many whole epochs \
            as the minutes hold, in every seed; the number is kept in OUTPUT/RECIPE/budget.json. A recipe \
            of which not one epoch fits is not trained, and the table says so.

            A recipe that cannot be read or trained, or diverges, is a row that says so, and the exit \
            code is 1; the others go on.

            --report trains nothing: it makes the table of what is there, of the recipes given or of all \
            in OUTPUT, and marks runs that are not finished.

            Examples:
              bonn compare --data synthetic:200 --epochs 2 --seeds 1,2 --output runs/first \
            recipes/wrn22-cifar10-xnor-quick.yaml recipes/wrn22-cifar10-react-quick.yaml
              bonn compare --data cifar-10-batches-bin --minutes 10 --seeds 3 --output runs/methods \
            recipes/wrn22-cifar10-*-quick.yaml
              bonn compare --report --output runs/methods
            """)

    @Argument(help: "Recipe files.", completion: .file(extensions: ["yaml", "yml"]))
    var recipes: [String] = []

    @Option(
        help: ArgumentHelp(
            "CIFAR, IDX or image folder, or synthetic[:N], in the place of the recipes' own.",
            valueName: "path"))
    var data: String?

    @Option(help: ArgumentHelp("Epochs of every run, of all its stages together.", valueName: "n"))
    var epochs: Int?

    @Option(help: ArgumentHelp("Minutes of wall clock of every run.", valueName: "m"))
    var minutes: Double?

    @Option(
        help: ArgumentHelp(
            "The seeds, as 1,2,3; one number N stands for the seeds 1 to N. 1 unless given, in a report "
                + "those that are there.",
            valueName: "list"))
    var seeds: String?

    @Option(help: ArgumentHelp("The folder of the runs and of the table.", valueName: "folder"))
    var output = "runs/compare"

    /// What the recipes are measured by.
    enum Baseline: String, ExpressibleByArgument, CaseIterable {
        case linear, none
    }

    @Option(
        help: ArgumentHelp(
            "linear: softmax regression on the pixels of the first recipe, in the same budget; or none."
        ))
    var baseline = Baseline.linear

    @Flag(help: "Train nothing: make the table of the runs that are there.")
    var report = false

    @OptionGroup var settings: SettingOptions

    @Flag(help: "Print the table as JSON.")
    var json = false

    func validate() throws {
        guard report || !recipes.isEmpty else {
            throw ValidationError("expected recipes to compare, or --report")
        }
        guard epochs == nil || minutes == nil else {
            throw ValidationError("give --epochs or --minutes, not both")
        }
        guard report || epochs != nil || minutes != nil else {
            throw ValidationError("give --epochs or --minutes: what every run may take")
        }
        guard epochs ?? 1 >= 1 else { throw ValidationError("--epochs must be at least 1") }
        guard minutes.map({ $0 > 0 && $0.isFinite }) ?? true else {
            throw ValidationError("--minutes must be above 0")
        }
        _ = try seedList()
    }

    func run() throws {
        let display = CompareDisplay(json: json)
        let stop = StopRequest()
        let signals = SignalHandling(stop)
        let comparison: Comparison
        do throws {
            let runner = try ComparisonRunner(
                request(), processor: Machine().processor, observer: display.show)
            comparison = try withExtendedLifetime(signals) {
                report ? try runner.report() : try runner.run(stop: stop)
            }
        } catch let error as CompareError where error.code == .request {
            throw ValidationError(error.message)
        }
        try display.finish(comparison, output: output)
        if let signal = stop.signal { throw ExitCode(128 + signal) }
        let isComplete = comparison.rows.allSatisfy { report ? !$0.hasFailed : $0.isFinished }
        if !isComplete { throw ExitCode.failure }
    }

    private func request() throws -> ComparisonRequest {
        let overrides = try settings.overrides([("data.path", data, "--data")])
        return ComparisonRequest(
            recipes: recipes,
            budget: epochs.map { .epochs($0) } ?? minutes.map { .minutes($0) },
            seeds: try seedList(), output: output, hasBaseline: baseline == .linear,
            assignments: overrides.map {
                ComparisonRequest.Assignment(path: $0.path, value: $0.value, source: $0.source)
            })
    }

    private func seedList() throws -> [Int] {
        guard let seeds else { return report ? [] : [1] }
        let parts = seeds.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0) }
        guard numbers.count == parts.count, numbers.allSatisfy({ $0 >= 0 }),
            Set(numbers).count == numbers.count
        else {
            throw ValidationError(
                "--seeds \(seeds): expected different numbers such as 1,2,3, or a count")
        }
        guard numbers.count == 1, let count = numbers.first else { return numbers }
        guard (1...1000).contains(count) else {
            throw ValidationError("--seeds \(seeds): expected a count from 1 to 1000")
        }
        return Array(1...count)
    }
}
