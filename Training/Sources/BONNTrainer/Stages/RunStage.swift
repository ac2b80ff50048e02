import BONNConfiguration
import BONNData

import func BONNModelFormat.printable

/// A stage of a run: some epochs with one network, one method, one optimizer.
///
/// A recipe without `stages:` has one, the whole. A stage starts from the weights of the one before; its
/// schedule and its objectives count its own epochs, everything else (order, augmentation, tables) those of the
/// run.
public struct RunStage: Sendable, Equatable {
    /// Counted from 0.
    public let index: Int
    /// What the recipe calls it; may be empty.
    public let name: String
    /// The recipe with the settings of the stage.
    public let configuration: TrainingConfiguration
    /// Epochs of the stages before it.
    public let firstEpoch: Int

    /// Its epochs.
    public var epochs: Int { configuration.schedule.epochs }
    /// Epochs of the run up to its end.
    public var end: Int { firstEpoch + epochs }
    /// What messages call it.
    public var title: String {
        "stage \(index + 1)" + (name.isEmpty ? "" : " (\(printable(name, limit: 60)))")
    }

    /// The stage with everything filled in that follows from the data.
    ///
    /// - Throws: `.configuration` for a contradiction, `.data` for an image that cannot be read.
    func resolved(for splits: DatasetSplits) throws -> RunStage {
        do {
            return RunStage(
                index: index, name: name, configuration: try configuration.resolved(for: splits),
                firstEpoch: firstEpoch)
        } catch {
            throw blamed(for: error)
        }
    }

    /// An error of the stage, with its title in front.
    func blamed(for error: any Error) -> TrainingError {
        let error = TrainingError.wrapping(error, as: .configuration)
        return TrainingError(error.code, "\(title): \(error.message)")
    }
}

extension TrainingConfiguration {
    /// The stages of a run, of which there is one at least.
    ///
    /// - Throws: `.configuration` for a setting of a stage that fits the recipe no more.
    public func runStages() throws(TrainingError) -> [RunStage] {
        guard !stages.isEmpty else {
            return [RunStage(index: 0, name: "", configuration: self, firstEpoch: 0)]
        }
        var result: [RunStage] = []
        for (index, stage) in stages.enumerated() {
            result.append(
                RunStage(
                    index: index, name: stage.name,
                    configuration: try configuration(ofStage: index),
                    firstEpoch: result.last?.end ?? 0))
        }
        return result
    }

    /// The stages of a run whose recipe is resolved, each with what follows from the data for it; the whole is
    /// not resolved again.
    ///
    /// - Throws: As `runStages()`, and what `RunStage.resolved(for:)` throws.
    func runStages(resolvedFor splits: DatasetSplits) throws -> [RunStage] {
        let stages = try runStages()
        return self.stages.isEmpty ? stages : try stages.map { try $0.resolved(for: splits) }
    }

    /// What holds in a stage, counted from 0; the whole where there are no stages.
    ///
    /// - Throws: `.configuration` for a stage that is not there, or does not fit.
    func configuration(ofStage index: Int) throws(TrainingError) -> TrainingConfiguration {
        guard !stages.isEmpty else { return self }
        guard stages.indices.contains(index) else {
            throw TrainingError(
                .configuration, "stage \(index + 1): the recipe has \(stages.count) stages")
        }
        do throws(ConfigurationError) {
            return try stage(index)
        } catch {
            throw TrainingError(.configuration, error.message)
        }
    }
}
