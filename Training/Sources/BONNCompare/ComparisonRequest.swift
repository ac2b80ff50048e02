import BONNConfiguration
import BONNMethods
import BONNTrainer
import Foundation

/// What is to be compared.
public struct ComparisonRequest: Sendable {
    /// Recipe files; in a report none stands for all runs in the folder.
    public var recipes: [String]
    /// What every run is given; nil in a report.
    public var budget: Budget?
    /// The seeds of each recipe.
    public var seeds: [Int]
    /// The folder of all runs and of the table.
    public var output: String
    /// Whether a linear classifier is trained beside the recipes.
    public var hasBaseline: Bool
    /// Settings for every recipe, as `Recipe.apply` takes them: where the data lies, threads.
    public var assignments: [Assignment]

    /// A key, its value, and what the user typed.
    public struct Assignment: Sendable {
        /// `section.name`.
        public var path: String
        /// As YAML.
        public var value: String
        /// For messages.
        public var source: String

        /// Creates an assignment.
        public init(path: String, value: String, source: String) {
            self.path = path
            self.value = value
            self.source = source
        }
    }

    /// Creates a request.
    public init(
        recipes: [String], budget: Budget?, seeds: [Int], output: String, hasBaseline: Bool = true,
        assignments: [Assignment] = []
    ) {
        self.recipes = recipes
        self.budget = budget
        self.seeds = seeds
        self.output = output
        self.hasBaseline = hasBaseline
        self.assignments = assignments
    }

    /// The folder of a recipe's runs.
    func folder(of name: String) -> String { output + "/" + name }

    /// The run directory of a recipe and a seed.
    func folder(of name: String, seed: Int) -> String { folder(of: name) + "/seed-\(seed)" }
}

/// A recipe that takes part.
struct ComparisonEntry {
    /// The file without its ending; the name of the folder and of the row.
    let name: String
    /// The file; nil: there is none.
    let recipe: String?
    /// Whether it is the baseline.
    var isBaseline = false
    /// What it asks for, without budget and seed, or what is wrong with it; nil: its runs say it.
    let configuration: Result<TrainingConfiguration, TrainingError>?
    /// What a person should know of the recipe.
    var notes: [String] = []

    /// The file's name without its ending.
    static func name(of recipe: String) -> String {
        let file = URL(fileURLWithPath: recipe).lastPathComponent
        for ending in [".yaml", ".yml"] where file.hasSuffix(ending) {
            return String(file.dropLast(ending.count))
        }
        return file
    }

    /// Reads a recipe.
    init(recipe: String, _ assignments: [ComparisonRequest.Assignment]) {
        name = Self.name(of: recipe)
        self.recipe = recipe
        do throws(TrainingError) {
            var (configuration, notes) = try Recipe.noted(
                path: recipe, over: TrainingConfiguration())
            notes += try Recipe.apply(
                assignments.map { ($0.path, $0.value, $0.source) }, to: &configuration)
            self.configuration = .success(configuration)
            self.notes = notes
        } catch {
            configuration = .failure(error)
        }
    }

    /// A recipe that is no file.
    init(name: String, recipe: String?, _ configuration: TrainingConfiguration?) {
        self.name = name
        self.recipe = recipe
        self.configuration = configuration.map { .success($0) }
    }

    /// What it asks for; nil: it cannot be read, or only its runs say it.
    var wanted: TrainingConfiguration? { try? configuration?.get() }
}

extension ComparisonEntry {
    /// The name of the baseline and of its network.
    static let baseline = "linear"

    /// Softmax regression on the pixels that another recipe trains on: same images, batches and augmentation.
    ///
    /// Adam with a rate of 0.001 and a cosine; weights do not decay.
    static func linear(
        like other: TrainingConfiguration, recipe: String
    ) throws(TrainingError) -> ComparisonEntry {
        var configuration = TrainingConfiguration()
        configuration.data = other.data
        configuration.augmentation = other.augmentation
        configuration.run = other.run
        try Recipe.apply(
            [
                ("model.name", baseline), ("method.name", FullPrecision.card.name),
                ("optimizer.name", "adam"), ("optimizer.learning_rate", "0.001"),
                ("optimizer.weight_decay", "0"), ("schedule.name", "cosine"),
                ("losses.feature", "0"), ("run.ema_decay", "0"),
                ("run.output", "''"), ("run.seed", "1"),
            ].map { ($0.0, $0.1, "the baseline") }, to: &configuration)
        var entry = ComparisonEntry(name: baseline, recipe: recipe, configuration)
        entry.isBaseline = true
        return entry
    }
}
