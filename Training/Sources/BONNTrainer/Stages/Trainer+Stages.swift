import BONNConfiguration
import BONNMethods
import Torch

extension Trainer {
    /// Goes on with the next stage, from the weights of the one that is done. What it says and does follows
    /// from the last checkpoint alone: a run that is killed here comes here again.
    func beginNextStage() throws {
        let next = stages[current.stage.index + 1]
        let weights = StartingPoint(try captured(), path: directory.lastPath)
        current = try StageTraining(
            next, splits, device: device, startingFrom: weights, isContinued: true)
        state.stage = next.index
        state.progress = EpochProgress(terms: step.terms)
        state.prepared = []
        // The network of an earlier stage is not what the run is for.
        state.bestEpoch = nil
        state.bestTop1 = nil
        try report(.stage(stageSummary))
    }

    /// Makes what later stages train and drops it again: a stage that cannot be made is said before the first
    /// one has cost its time.
    func checkLaterStages() throws {
        for stage in stages.dropFirst(current.stage.index + 1) {
            do {
                _ = try StageTraining(stage, splits, device: device, startingFrom: nil)
            } catch {
                throw stage.blamed(for: error)
            }
        }
    }

    /// Checks numbers of epochs that are others than when the run stopped. Schedule and phases are those of
    /// the new numbers from here on.
    func adoptEpochs(of checkpoint: Checkpoint, source: String) throws {
        let before = try checkpoint.recipe.runStages()
        guard before.map(\.epochs) != stages.map(\.epochs) else { return }
        let stage = current.stage
        for (was, now) in zip(before, stages.prefix(stage.index)) where was.epochs != now.epochs {
            throw TrainingError(
                .configuration,
                "\(epochsKey) of \(now.title) is \(now.epochs), but \(source) is past it with "
                    + "\(was.epochs)")
        }
        let (epochs, steps) = (
            checkpoint.state.epoch - stage.firstEpoch, checkpoint.state.progress.steps
        )
        let least = epochs + (steps > 0 ? 1 : 0)
        guard stage.epochs >= least else {
            let ofStage = stages.count > 1 ? " of \(stage.title)" : ""
            throw TrainingError(
                .configuration,
                "\(epochsKey)\(ofStage) is \(stage.epochs), but \(source) holds \(epochs) epochs"
                    + (steps > 0 ? " and \(steps) steps of another" : "")
                    + "; expected at least \(least)")
        }
        earlierEpochs = before.reduce(0) { $0 + $1.epochs }
        mustSaveFirst = true
    }

    private var epochsKey: String { recipe.path(of: \.schedule.epochs) }

    /// Epochs of the whole run.
    var epochs: Int { stages.reduce(0) { $0 + $1.epochs } }

    /// The stage under way, for whoever watches.
    var stageSummary: StageSummary {
        func count(_ isBinary: Bool) -> Int {
            network.store.trainable.filter { ($0.role == .latent) == isBinary }
                .reduce(0) { $0 + $1.tensor.count }
        }
        return StageSummary(
            stage: current.stage, stages: stages.count, binaryParameters: count(true),
            realParameters: count(false), objectives: step.objectives.map(\.name),
            transfer: current.transfer)
    }
}
