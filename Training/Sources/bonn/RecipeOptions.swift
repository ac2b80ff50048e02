import ArgumentParser
import BONNConfiguration
import BONNMethods
import BONNNetworks
import BONNTerminal
import BONNTrainer

/// The options that make up a configuration: a recipe, named overrides, and `--set` for the rest.
struct RecipeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A recipe to start from.", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "\(Networks.all.map(\.name).joined(separator: ", ")); see 'bonn networks'.",
            valueName: "name"))
    var model: String?

    @Option(help: ArgumentHelp("Channels of stem and stages, as 16-16-32-64.", valueName: "list"))
    var widths: String?

    @Option(
        help: ArgumentHelp(
            "\(Methods.names.joined(separator: ", ")); see 'bonn methods'.",
            valueName: "name"))
    var method: String?

    @Option(help: ArgumentHelp("Passes over the training images.", valueName: "n"))
    var epochs: String?

    @Option(help: ArgumentHelp("Images per step.", valueName: "n"))
    var batchSize: String?

    @Option(help: ArgumentHelp("The base learning rate.", valueName: "rate"))
    var learningRate: String?

    @Option(help: ArgumentHelp("The seed of everything that is random.", valueName: "n"))
    var seed: String?

    @OptionGroup var settings: SettingOptions

    /// What was typed, as assignments; named options first, so that `--set` wins.
    func overrides(
        data: String? = nil, output: String? = nil
    ) throws -> [(path: String, value: String, source: String)] {
        let named: [(String, String?, String)] = [
            ("data.path", data, "--data"), ("model.name", model, "--model"),
            ("model.widths", widths, "--widths"), ("method.name", method, "--method"),
            ("schedule.epochs", epochs, "--epochs"), ("data.batch_size", batchSize, "--batch-size"),
            ("optimizer.learning_rate", learningRate, "--learning-rate"),
            ("run.seed", seed, "--seed"), ("run.output", output, "--output"),
        ]
        return try settings.overrides(named)
    }

    /// The configuration: the defaults or `base`, then the recipe, then the overrides. What a person should
    /// know about their keys is told.
    func configuration(
        over base: TrainingConfiguration = TrainingConfiguration(), data: String? = nil,
        output: String? = nil
    ) throws -> TrainingConfiguration {
        var configuration = base
        var notes: [String] = []
        if let config { (configuration, notes) = try Recipe.noted(path: config, over: base) }
        try asUsageError {
            notes += try Recipe.apply(
                try overrides(data: data, output: output), to: &configuration)
        }
        for note in notes { Terminal.note("Note: \(note)") }
        return configuration
    }

    /// The folder of the run. Of the other overrides nothing is asked: they may be for the configuration that
    /// lies in it.
    func runFolder(output: String?) throws -> String {
        var configuration =
            try config.map { try Recipe.read(path: $0) }
            ?? TrainingConfiguration()
        let key = configuration.path(of: \.run.output)
        try asUsageError {
            _ = try Recipe.apply(
                try overrides(output: output).filter { $0.path == key }, to: &configuration)
        }
        return configuration.run.output
    }
}

/// Runs a body in which a wrong configuration is the fault of the command line (exit code 64).
func asUsageError(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let error as TrainingError where error.code == .configuration {
        throw ValidationError(error.message)
    }
}

/// The value of an option that is a size of images.
func imageSize(parsing text: String) throws -> ImageSize {
    guard let size = ImageSize(text) else {
        throw ValidationError("found \(text), expected \(ImageSize.expectation)")
    }
    return size
}
