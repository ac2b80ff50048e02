/// What was found of some recipes under one budget: the table, as a value.
///
/// Shares are from 0 to 1. `json`, `csv`, `markdown` and `chart` write it.
public struct Comparison: Sendable, Equatable, Codable {
    /// Of the JSON; another number means other fields.
    public static let version = 1

    /// Which one it is.
    public var version = Self.version
    /// What every run was given; nil in a report that asks for none.
    public var budget: Budget?
    /// The seeds.
    public var seeds: [Int]
    /// The processor that measured the runtime, and trained what this machine trained.
    public var processor: String
    /// The recipes in their order, the baseline last.
    public var rows: [ComparisonRow]

    /// Creates a table.
    public init(budget: Budget?, seeds: [Int], processor: String, rows: [ComparisonRow]) {
        self.budget = budget
        self.seeds = seeds
        self.processor = processor
        self.rows = rows
    }
}

/// A recipe of a comparison.
public struct ComparisonRow: Sendable, Equatable, Codable {
    /// The recipe file without its ending.
    public var name: String
    /// Where the recipe lies; nil for the baseline and for runs that are reported without their recipe.
    public var recipe: String?
    /// Whether it is what the others are measured by.
    public var isBaseline = false
    /// The method's name.
    public var method = ""
    /// What it is called.
    public var title = ""
    /// Bits of weights and activations.
    public var bits = ""
    /// The network, with its widths.
    public var network = ""
    /// What the runs were trained on; nil while there is none.
    public var data: String?
    /// What is wrong with the recipe itself: it was not trained.
    public var failure: String?
    /// A run a seed.
    public var runs: [SeedRun] = []
    /// What the network costs; nil while no run tells how many classes it has.
    public var cost: NetworkCost?
    /// The exported network; nil while no run is finished.
    public var deployment: Deployment?
    /// What the method's authors, or others, report.
    public var reported: Reported?
    /// Every key of the recipe that is not about where and how fast it is computed.
    public var settings: [Setting] = []

    /// Creates a row without results.
    public init(name: String, recipe: String? = nil) {
        self.name = name
        self.recipe = recipe
    }

    /// A key of a recipe.
    public struct Setting: Sendable, Equatable, Codable {
        /// `section.name`.
        public var key: String
        /// As a recipe writes it.
        public var value: String
        /// Whether it is what the key is where no recipe sets it.
        public var isDefault: Bool

        /// Creates a setting.
        public init(key: String, value: String, isDefault: Bool = false) {
            self.key = key
            self.value = value
            self.isDefault = isDefault
        }
    }

    /// The number of a paper.
    public struct Reported: Sendable, Equatable, Codable {
        /// Share of right answers.
        public var top1: Double
        /// The network that it is of.
        public var network: String
        /// The images that it is of.
        public var images: String
        /// How sure it is: `S` read in the authors' paper or code, `C` in a table of others, `M` from memory.
        public var source: String
        /// What was different from the method alone.
        public var note: String
        /// Whether network and images are those of the row.
        public var isSame: Bool
    }
}

/// What became of a recipe with one seed.
public struct SeedRun: Sendable, Equatable, Codable {
    /// How far it came.
    public enum Status: String, Sendable, Codable {
        /// All epochs are done.
        case finished
        /// It stopped before, or is being trained.
        case unfinished
        /// It cannot be trained to the end.
        case failed
        /// There is nothing.
        case missing
    }

    /// A measured epoch.
    public struct Point: Sendable, Equatable, Codable {
        /// Counted from 1.
        public var epoch: Int
        /// Minutes of training and measuring up to its end.
        public var minutes: Double
        /// Share of right answers on the images that were measured; nil where the epoch was not.
        public var top1: Double?
    }

    /// The seed.
    public var seed: Int
    /// The run directory.
    public var folder: String
    /// How far it came.
    public var status = Status.missing
    /// Why it failed.
    public var message: String?
    /// Epochs that it is to have; nil where nothing is there.
    public var epochs: Int?
    /// The epochs that are done.
    public var curve: [Point] = []
    /// The epoch with the best top-1.
    public var bestEpoch: Int?
    /// Its top-1 on the images that it was chosen on.
    public var bestTop1: Double?
    /// Whether top-1 is of validation images, and not of test images.
    public var isOnValidation = false
    /// The top-1 of the best epoch on test images, where it was chosen on others.
    public var bestTestTop1: Double?
    /// Training images per second, the median of its epochs.
    public var imagesPerSecond: Double?
    /// Threads of LibTorch.
    public var threads: Int?
    /// Where it was computed.
    public var device: String?

    /// Creates what there is before a run begins.
    public init(seed: Int, folder: String) {
        self.seed = seed
        self.folder = folder
    }

    /// Top-1 of the last epoch.
    public var finalTop1: Double? { curve.last?.top1 }

    /// The mean top-1 of the last three epochs; nil where these are not all measured.
    public var lastThreeTop1: Double? {
        let last = curve.suffix(3).compactMap(\.top1)
        return last.count == 3 ? last.reduce(0, +) / 3 : nil
    }

    /// Minutes of training and measuring.
    public var minutes: Double? { curve.last?.minutes }
}

extension ComparisonRow {
    /// The runs that came to their end.
    public var finished: [SeedRun] { runs.filter { $0.status == .finished } }

    /// Top-1 of the last epoch, over the finished runs.
    public var final: Spread? { Spread(finished.compactMap(\.finalTop1)) }

    /// The mean of the last three epochs, over the finished runs.
    public var lastThree: Spread? { Spread(finished.compactMap(\.lastThreeTop1)) }

    /// Top-1 of the best epoch, over the finished runs.
    public var best: Spread? { Spread(finished.compactMap(\.bestTop1)) }

    /// Epochs of the finished runs, else of those that are under way.
    public var epochs: Int? { (finished.first ?? runs.first { $0.epochs != nil })?.epochs }

    /// Minutes of a finished run.
    public var minutes: Spread? { Spread(finished.compactMap(\.minutes)) }

    /// Training images per second, the median over the runs.
    public var imagesPerSecond: Double? { runs.compactMap(\.imagesPerSecond).median }

    /// Whether the recipe or one of its runs failed.
    public var hasFailed: Bool { failure != nil || runs.contains { $0.status == .failed } }

    /// Whether every run came to its end.
    public var isFinished: Bool {
        failure == nil && !runs.isEmpty && runs.allSatisfy { $0.status == .finished }
    }

    /// What is to be said of runs that are not finished, a line each.
    public var remarks: [String] {
        if let failure { return [failure] }
        return runs.compactMap { run in
            switch run.status {
            case .finished: return nil
            case .failed: return "seed \(run.seed) failed: \(run.message ?? "")"
            case .missing: return "seed \(run.seed) is not begun"
            case .unfinished:
                let done = run.curve.last?.epoch ?? 0
                let top1 = run.finalTop1.map { ", top-1 \(percent($0)) % so far" } ?? ""
                let reason = run.message.map { " (\($0))" } ?? ""
                return "seed \(run.seed) is at epoch \(done) of \(run.epochs ?? 0)\(top1)\(reason)"
            }
        }
    }
}

extension Comparison {
    /// The keys whose values differ between recipes, in the order of a recipe: values of recipes that have the key
    /// differ, or it belongs to some methods only and is not what their papers have. The baseline does not count.
    public var differingKeys: [String] {
        var keys: [String] = []
        var seen: Set<String> = []
        let rows = rows.filter { !$0.isBaseline && !$0.settings.isEmpty }
        for row in rows {
            for setting in row.settings where seen.insert(setting.key).inserted {
                let found = rows.compactMap { $0.setting(setting.key) }
                let differs = Set(found.map(\.value)).count > 1
                let isOwn = found.count < rows.count && found.contains { !$0.isDefault }
                if differs || isOwn { keys.append(setting.key) }
            }
        }
        return keys
    }

    /// The value that most recipes with a key have, the first of those where it is as many.
    func commonValue(of key: String) -> String? {
        let values = rows.filter { !$0.isBaseline }.compactMap { $0.setting(key)?.value }
        var best: (value: String, count: Int)?
        for value in values {
            let count = values.count { $0 == value }
            if count > best?.count ?? 0 { best = (value, count) }
        }
        return best?.value
    }
}

extension ComparisonRow {
    /// The setting of a key; nil where the method has no such key.
    public func setting(_ key: String) -> Setting? { settings.first { $0.key == key } }
}

/// A share as a percentage with two decimals.
func percent(_ share: Double) -> String { decimals(share * 100, 2) }

/// The exported network of a recipe, measured on one machine.
public struct Deployment: Sendable, Equatable, Codable {
    /// The SHA-256 of the weights that were exported.
    public var weights: String
    /// The processor.
    public var processor: String
    /// Bytes of the model file; nil where there is none.
    public var bytes: Int?
    /// The median time of one image with one thread, in milliseconds.
    public var milliseconds: Double?
    /// The kernels that ran it.
    public var kernels: String?
    /// Why it was not exported.
    public var reason: String?
}
