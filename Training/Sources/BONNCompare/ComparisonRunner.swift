import BONNData
import BONNMethods
import BONNModelFormat
public import BONNTrainer
import Foundation

/// Trains what a request asks for, or reads what there is of it, and makes the table.
///
/// Each recipe and seed is an ordinary run directory, `OUTPUT/RECIPE/seed-S`: what `bonn train --config RECIPE
/// --epochs N --seed S` leaves there is the same run. A comparison that was stopped or killed goes on where it
/// was; runs that are finished are not trained again. The seeds follow one another, so that all recipes have a
/// result early; the table is written after every run.
public final class ComparisonRunner {
    private let request: ComparisonRequest
    private let processor: String
    private let observer: (ComparisonEvent) -> Void
    private var entries: [ComparisonEntry]
    /// What went wrong in this process, by folder.
    private var failures: [String: (status: SeedRun.Status, message: String)] = [:]
    /// Finished runs, which are read once, by folder.
    private var read: [String: ReadRun] = [:]
    private var costs: [String: NetworkCost] = [:]
    private var deployments: [String: Deployment] = [:]

    /// Prepares a comparison: reads the recipes.
    ///
    /// - Parameters:
    ///   - processor: the name of this machine's processor, for the table.
    ///   - observer: told what happens, on the thread that calls `run`.
    /// - Throws: `CompareError` for a request that contradicts itself. A recipe that cannot be read is a row of
    ///   the table.
    public init(
        _ request: ComparisonRequest, processor: String,
        observer: @escaping (ComparisonEvent) -> Void = { _ in }
    ) throws(CompareError) {
        guard !request.output.isEmpty else {
            throw CompareError(.request, "a comparison needs a folder for its runs")
        }
        guard Set(request.seeds).count == request.seeds.count,
            request.seeds.allSatisfy({ $0 >= 0 })
        else {
            throw CompareError(
                .request, "expected different seeds of at least 0, found \(request.seeds)")
        }
        self.request = request
        self.processor = processor
        self.observer = observer
        entries = request.recipes.map { ComparisonEntry(recipe: $0, request.assignments) }
        let names = entries.map(\.name)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw CompareError(
                .request,
                "two recipes are called \(twice), and their runs would lie in one folder; rename one"
            )
        }
        if request.hasBaseline, names.contains(ComparisonEntry.baseline) {
            throw CompareError(
                .request,
                "a recipe is called \(ComparisonEntry.baseline), as the baseline is; rename it, or "
                    + "compare without the baseline")
        }
    }

    // MARK: Training

    /// Trains what is not trained yet and gives the table.
    ///
    /// - Parameter stop: when it is requested, the step under way is finished and saved, and nothing else begins.
    /// - Throws: `.file` or `.diskFull` where the table cannot be written; `CompareError` for a request without
    ///   recipes, seeds or a budget. What is wrong with a recipe or a run is in its row.
    public func run(stop: StopRequest = StopRequest()) throws -> Comparison {
        guard let budget = request.budget, !request.recipes.isEmpty, !request.seeds.isEmpty else {
            throw CompareError(.request, "a comparison needs recipes, seeds and a budget")
        }
        try addBaseline()
        for entry in entries {
            for note in entry.notes { observer(.note("\(entry.name): \(note)")) }
        }
        let count = entries.count * request.seeds.count
        for (turn, seed) in request.seeds.enumerated() {
            for (index, entry) in entries.enumerated() where !stop.isRequested {
                let place = ComparisonPlace(
                    name: entry.name, seed: seed, index: turn * entries.count + index + 1,
                    count: count)
                try run(entry, place, budget, stop)
            }
        }
        return try write(table())
    }

    private func run(
        _ entry: ComparisonEntry, _ place: ComparisonPlace, _ budget: Budget, _ stop: StopRequest
    ) throws {
        guard case .success(let configuration) = entry.configuration else { return }
        let folder = request.folder(of: entry.name, seed: place.seed)
        let before = readRun(entry, seed: place.seed)
        guard before.run.status != .failed else {
            return observer(.ended(place, before.run))
        }
        do {
            guard
                let epochs = try epochs(entry, configuration, budget, stop)
            else { return }
            var wanted = try configuration.training(epochs: epochs)
            wanted.run.seed = place.seed
            wanted.run.output = folder
            if let stored = before.recipe, let difference = try wanted.difference(from: stored) {
                throw TrainingError(
                    .configuration,
                    "\(folder) holds another run, with \(difference); choose another --output, or "
                        + "take the folder away")
            }
            if before.run.status == .finished {
                try writeTables(folder)
            } else {
                try train(wanted, place, folder, stop)
            }
        } catch let error as TrainingError {
            if error.code == .diskFull { throw error }
            failures[folder] = (error.code == .busy ? .unfinished : .failed, error.message)
            if error.code == .notFinite {
                // The same steps would end the same way again.
                try File.replace(
                    ReadRun.failureFile(folder), with: Array((error.message + "\n").utf8))
            }
        } catch {
            failures[folder] = (.failed, "\(error)")
        }
        let isNew = before.run.status != .finished
        let after = readRun(entry, seed: place.seed)
        observer(.ended(place, after.run))
        if isNew && after.run.status == .finished { _ = try write(table()) }
    }

    private func train(
        _ configuration: TrainingConfiguration, _ place: ComparisonPlace, _ folder: String,
        _ stop: StopRequest
    ) throws {
        let directory = try RunDirectory(folder)
        var checkpoint: Checkpoint?
        // Under the lock: another process may have trained meanwhile.
        if case .checkpoint(let stored) = try directory.storedRun() { checkpoint = stored }
        observer(.begins(place))
        let trainer = try Trainer(
            configuration: configuration, splits: splits(of: configuration), directory: directory,
            resuming: checkpoint,
            observers: [{ [observer] event, _ in observer(.training(place, event)) }])
        _ = try trainer.run(stop: stop)
    }

    /// A run that was killed behind its last checkpoint has the tables of the one before. Another process in the
    /// folder writes them too.
    private func writeTables(_ folder: String) throws(TrainingError) {
        do throws(TrainingError) {
            let directory = try RunDirectory(folder)
            if case .checkpoint(let stored) = try directory.storedRun() {
                try directory.writeTables(stored.state)
            }
        } catch  where error.code == .busy {}
    }

    private func splits(
        of configuration: TrainingConfiguration
    ) throws(TrainingError) -> DatasetSplits {
        do {
            return try DatasetSplits.open(
                configuration.data.path, options: configuration.datasetOptions)
        } catch {
            throw TrainingError(.data, error.message)
        }
    }

    /// The epochs of a recipe; nil where a stop was requested before they were known.
    private func epochs(
        _ entry: ComparisonEntry, _ configuration: TrainingConfiguration, _ budget: Budget,
        _ stop: StopRequest
    ) throws -> Int? {
        switch budget {
        case .epochs(let count): return count
        case .minutes(let minutes):
            let folder = request.folder(of: entry.name)
            if let choice = try EpochChoice.stored(in: folder) {
                guard choice.minutes == minutes else {
                    throw TrainingError(
                        .configuration,
                        "\(folder) holds runs of \(shortest(choice.minutes)) minutes, not of "
                            + "\(shortest(minutes)); choose another --output")
                }
                return choice.epochs
            }
            observer(.measuring(name: entry.name))
            let choice = try EpochChoice(
                minutes: minutes, configuration, splits(of: configuration),
                scratch: folder + "/.measuring", stop: stop)
            guard let choice else { return nil }
            try choice.write(in: folder)
            observer(.chose(name: entry.name, epochs: choice.epochs))
            return choice.epochs
        }
    }

    /// The baseline trains on what the first recipe that can be read trains on. Its recipe lies beside the runs.
    private func addBaseline() throws {
        guard request.hasBaseline, !entries.contains(where: \.isBaseline),
            let first = entries.lazy.compactMap(\.wanted).first
        else { return }
        let path = request.output + "/\(ComparisonEntry.baseline).yaml"
        let entry = try ComparisonEntry.linear(like: first, recipe: path)
        if let configuration = entry.wanted {
            try FileManager.default.createDirectory(
                atPath: request.output, withIntermediateDirectories: true)
            try File.replace(path, with: Array(Recipe.yaml(configuration).utf8))
        }
        entries.append(entry)
    }

    // MARK: Reading

    /// The table of what there is; trains nothing. Without recipes, of every folder that holds runs; without
    /// seeds, of every seed.
    ///
    /// - Throws: `.file` or `.diskFull` where the table cannot be written; `CompareError` for a folder without
    ///   runs.
    public func report() throws -> Comparison {
        if request.recipes.isEmpty {
            entries = try Self.folders(in: request.output).map {
                ComparisonEntry(name: $0, recipe: nil, nil)
            }
            guard !entries.isEmpty else {
                throw CompareError(
                    .request,
                    "\(request.output): expected folders RECIPE/seed-S with runs, found none")
            }
        } else if request.hasBaseline,
            !Self.seeds(in: request.folder(of: ComparisonEntry.baseline)).isEmpty
        {
            entries.append(
                ComparisonEntry(name: ComparisonEntry.baseline, recipe: nil, nil))
        }
        return try write(table())
    }

    /// The names of folders that hold folders of seeds, sorted, the baseline last.
    private static func folders(in output: String) throws -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: output)) ?? []
        return names.filter { !seeds(in: output + "/" + $0).isEmpty }.sorted {
            let (left, right) = ($0 == ComparisonEntry.baseline, $1 == ComparisonEntry.baseline)
            return left == right ? $0 < $1 : right
        }
    }

    /// The seeds of which a folder holds runs.
    private static func seeds(in folder: String) -> [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { name in
            guard name.hasPrefix("seed-"), RunDirectory.holdsRun(at: folder + "/" + name) else {
                return nil
            }
            return Int(name.dropFirst(5))
        }.sorted()
    }

    private func readRun(_ entry: ComparisonEntry, seed: Int) -> ReadRun {
        let folder = request.folder(of: entry.name, seed: seed)
        var result = read[folder] ?? ReadRun(seed: seed, folder: folder)
        if result.run.status == .finished { read[folder] = result }
        if let failure = failures[folder] {
            (result.run.status, result.run.message) = failure
        }
        return result
    }

    private func table() throws -> Comparison {
        var seeds = request.seeds
        if seeds.isEmpty {
            seeds = Set(entries.flatMap { Self.seeds(in: request.folder(of: $0.name)) }).sorted()
        }
        let rows = try entries.map { try row($0, seeds) }
        return Comparison(
            budget: request.budget, seeds: seeds, processor: processor, rows: rows)
    }

    private func row(_ entry: ComparisonEntry, _ seeds: [Int]) throws -> ComparisonRow {
        var row = ComparisonRow(name: entry.name, recipe: entry.recipe)
        if case .failure(let error) = entry.configuration { row.failure = error.message }
        let runs = seeds.map { readRun(entry, seed: $0) }
        row.runs = runs.map(\.run)
        let finished = runs.filter { $0.run.status == .finished }
        let best = finished.first ?? runs.first { $0.recipe != nil }
        row.data = best?.data?.description
        guard let recipe = best?.recipe ?? entry.wanted else { return row }
        row.settings = recipe.settings(isResolved: best?.data != nil)
        let last = try recipe.runStages().last?.configuration ?? recipe
        row.describe(last.model, data: best?.data)
        row.isBaseline = entry.isBaseline || last.model.network == ComparisonEntry.baseline
        guard best?.data != nil else { return row }
        row.cost = cost(entry.name, last)
        if let run = finished.first?.run { row.deployment = try deployment(entry.name, run) }
        return row
    }

    private func cost(_ name: String, _ configuration: TrainingConfiguration) -> NetworkCost? {
        if let known = costs[name] { return known }
        let network = try? Network(
            configuration.model, for: configuration.augmentation.imageSize, seed: 1)
        costs[name] = network.map { NetworkCost($0) }
        return costs[name]
    }

    /// The exported network of a finished run, measured once.
    private func deployment(_ name: String, _ run: SeedRun) throws -> Deployment {
        if let known = deployments[name] { return known }
        let folder = request.folder(of: name)
        let path = run.folder + "/last.safetensors"
        let file = folder + "/deployment.json"
        let checkpoint = try Checkpoint(path: path)
        let weights = checkpoint.weightsDigest.description
        var deployment = Deployment.stored(at: file, weights: weights, processor: processor)
        if deployment == nil {
            observer(.exporting(name: name))
            let measured = Deployment(
                checkpoint, source: path, scratch: folder, processor: processor)
            try measured.write(to: file)
            deployment = measured
        }
        deployments[name] = deployment
        return deployment!
    }

    private func write(_ table: Comparison) throws -> Comparison {
        let files = [
            ("md", table.markdown), ("csv", table.csv), ("json", try table.json()),
            ("svg", table.chart),
        ]
        for (ending, text) in files {
            try File.replace(request.output + "/compare." + ending, with: Array(text.utf8))
        }
        return table
    }
}

extension ComparisonRow {
    /// Names the method and the network, and what papers report of them.
    fileprivate mutating func describe(_ model: NetworkConfiguration, data: DatasetIdentity?) {
        let card = type(of: model.method.value).card
        (method, title, bits) = (card.name, card.title, card.widths)
        let widths = model.widths.map(String.init).joined(separator: "-")
        network = widths.isEmpty ? model.network : "\(model.network) \(widths)"
        guard !isBaseline, model.network != ComparisonEntry.baseline else { return }
        reported = Reported.nearest(
            card.figures, network: model.network, widths: network,
            images: data.flatMap { ReportedFigure.Images(kind: $0.kind) })
    }
}

extension ReportedFigure.Images {
    /// What papers call a kind of data; nil for data of one's own.
    init?(kind: String) {
        switch DatasetKind(rawValue: kind) {
        case .cifar10: self = .cifar10
        case .cifar100: self = .cifar100
        default: return nil
        }
    }
}
