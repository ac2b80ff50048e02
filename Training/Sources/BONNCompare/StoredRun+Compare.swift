import BONNConfiguration
import BONNData
import BONNMethods
import BONNTrainer
import Foundation

/// A run as its folder tells of it.
struct ReadRun {
    /// The row's part.
    var run: SeedRun
    /// The complete recipe; nil where there is no run.
    var recipe: TrainingConfiguration?
    /// What it was trained on.
    var data: DatasetIdentity?

    /// The file beside a run that says why it cannot be trained to its end.
    static func failureFile(_ folder: String) -> String { folder + "/failure.txt" }

    /// Reads a folder, in which another process may be training.
    init(seed: Int, folder: String) {
        run = SeedRun(seed: seed, folder: folder)
        do throws(TrainingError) {
            switch try RunDirectory.storedRun(at: folder) {
            case nil: break
            case .recipe(let recipe):
                self.recipe = recipe
                run.status = .unfinished
                run.epochs = try recipe.totalEpochs()
            case .checkpoint(let checkpoint): try read(checkpoint)
            }
        } catch {
            run.status = .failed
            run.message = error.message
        }
        let file = Self.failureFile(folder)
        if run.status != .finished, let reason = try? String(contentsOfFile: file, encoding: .utf8)
        {
            run.status = .failed
            run.message = reason.trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    private mutating func read(_ checkpoint: Checkpoint) throws(TrainingError) {
        let state = checkpoint.state
        recipe = checkpoint.recipe
        data = state.dataset
        let epochs = try checkpoint.recipe.totalEpochs()
        let isMeasured = state.dataset.validationImages == nil || state.finalTest != nil
        run.status = state.epoch == epochs && isMeasured ? .finished : .unfinished
        run.epochs = epochs
        var seconds = 0.0
        run.curve = state.metrics.map { row in
            seconds += row.seconds
            return SeedRun.Point(
                epoch: row.epoch, minutes: seconds / 60, top1: row.testTop1 ?? row.validationTop1)
        }
        run.bestEpoch = state.bestEpoch
        run.bestTop1 = state.bestTop1
        run.isOnValidation = state.selection == .validation
        run.bestTestTop1 = state.finalTest?.top1
        run.imagesPerSecond = state.metrics.map(\.imagesPerSecond).median
        run.threads = checkpoint.recipe.run.threads
        run.device = checkpoint.recipe.run.device
    }
}

extension TrainingConfiguration {
    /// The keys that are filled in from the data where a recipe leaves them open.
    private var keysFromData: Set<String> {
        [
            path(of: \.model.classes), path(of: \.model.inputChannels),
            path(of: \.augmentation.imageSize), path(of: \.augmentation.resize),
            path(of: \.augmentation.resizeTo), path(of: \.augmentation.mean),
            path(of: \.augmentation.std), path(of: \.data.validationShare),
        ]
    }

    /// What a run was trained with that this configuration would not do; nil: it is the same run.
    ///
    /// Keys that say where and how fast a run is computed do not count, and what the data decides is compared only
    /// where this configuration states it.
    ///
    /// - Throws: `.configuration` for a setting of a stage that fits no more.
    func difference(
        from stored: TrainingConfiguration
    ) throws(TrainingError) -> String? {
        let unset = TrainingConfiguration()
        let fromData = keysFromData
        let wanted = Dictionary(uniqueKeysWithValues: keys.map { ($0.path, $0) })
        for key in stored.keys where key.isFixedForRun {
            let before = key.text(in: stored)
            guard let own = wanted[key.path] else { continue }
            let now = own.text(in: self)
            if fromData.contains(key.path), now == own.text(in: unset) { continue }
            if before != now { return "\(key.path) = \(before), not \(now)" }
        }
        let (before, now) = (try stored.totalEpochs(), try totalEpochs())
        if before != now { return "\(path(of: \.schedule.epochs)) = \(before), not \(now)" }
        return stored.stages == stages ? nil : "other stages"
    }

    /// Every key that says what is computed, for a table of settings.
    ///
    /// - Parameter isResolved: whether what follows from the data is filled in.
    func settings(isResolved: Bool) -> [ComparisonRow.Setting] {
        let epochs = path(of: \.schedule.epochs)
        let seed = path(of: \.run.seed)
        let unset: TrainingConfiguration = {
            var unset = TrainingConfiguration()
            unset.model.method = MethodConfiguration(type(of: model.method.value).usual)
            return unset
        }()
        let fromData = keysFromData
        var settings: [ComparisonRow.Setting] = []
        for key in keys where (key.isFixedForRun || key.path == epochs) && key.path != seed {
            if !isResolved && fromData.contains(key.path) { continue }
            let value =
                key.path == epochs
                ? (try? totalEpochs()).map { "\($0)" } ?? key.text(in: self)
                : key.text(in: self)
            settings.append(
                ComparisonRow.Setting(
                    key: key.path, value: value, isDefault: key.text(in: unset) == value))
        }
        if !stages.isEmpty {
            let texts = stages.map { stage in
                stage.settings.map { "\($0.path)=\($0.value)" }.joined(separator: " ")
            }
            settings.append(
                ComparisonRow.Setting(key: "stages", value: texts.joined(separator: " / ")))
        }
        return settings
    }
}

extension Method {
    /// As its paper has it.
    fileprivate static var usual: any Method { Self() }
}
