import BONNConfiguration
public import BONNData
public import BONNMethods
import BONNModelFormat
import Foundation
public import Torch

/// Trains a network from the images of a data set to a run directory.
///
/// A run is a function of its configuration and its data: order and augmentation follow from the
/// seed and the epoch, every generator is seeded, and a checkpoint holds all that a step reads. So
/// a run that was stopped or killed at any instant, and resumed, ends with the same bits (on the
/// same device, with the same number of threads).
///
/// One thread owns all tensors: the one that calls `run`.
public final class Trainer {
    /// The complete recipe.
    public let recipe: TrainingConfiguration
    /// Where the network is.
    public let device: Device

    let splits: DatasetSplits
    let directory: RunDirectory
    let observers: [TrainingObserver]
    /// The stages of the recipe, one at least.
    let stages: [RunStage]
    /// What is trained in the stage under way.
    var current: StageTraining
    var state = TrainingState()
    var lastSave = Date()
    /// The number of epochs that the run was begun or last resumed with, where it is another one.
    var earlierEpochs: Int?
    /// Where the state is one that no checkpoint in the folder can lead back to.
    var mustSaveFirst = false

    /// Prepares a run, or the continuation of one.
    ///
    /// - Parameters:
    ///   - configuration: the recipe; what follows from the data is filled in.
    ///   - splits: the images.
    ///   - directory: where everything is written.
    ///   - checkpoint: what to go on from; nil for a new run. Its number of epochs may be another
    ///     than the configuration's, which then holds from here on.
    ///   - weights: a checkpoint of another run, whose weights a new run starts from as far as they
    ///     fit.
    ///   - observers: told what happens, on the thread that calls `run`, behind the one that writes the
    ///     tables of the folder.
    /// - Throws: `.configuration` for contradictions, `.checkpoint` when the checkpoint belongs to
    ///   another configuration, network or data set, or has no weight that fits, `.computation` for a
    ///   missing device.
    public init(
        configuration: TrainingConfiguration, splits: DatasetSplits, directory: RunDirectory,
        resuming checkpoint: Checkpoint? = nil, startingFrom weights: StartingPoint? = nil,
        observers: [TrainingObserver] = []
    ) throws(TrainingError) {
        do {
            let limited = splits.limited(by: configuration)
            var resolved = try configuration.resolved(for: limited)
            device = try Device(parsing: resolved.run.device)
            try device.requireAvailable()
            if resolved.run.threads == 0 {
                resolved.run.threads = ProcessInfo.processInfo.activeProcessorCount
            }
            try setThreads(resolved.run.threads)
            recipe = resolved
            stages = try resolved.runStages(resolvedFor: limited)
            self.splits = limited
            self.directory = directory
            self.observers = [directory.observe] + observers
            let index = checkpoint?.state.stage ?? 0
            guard stages.indices.contains(index) else {
                throw TrainingError(
                    .checkpoint,
                    "\(directory.lastPath): is in stage \(index + 1), the recipe has \(stages.count)"
                )
            }
            current = try StageTraining(
                stages[index], limited, device: device, startingFrom: weights)
            try checkLaterStages()
            state.progress = EpochProgress(terms: step.terms)
            state.dataset = DatasetIdentity(limited)
            state.selection = limited.validation == nil ? .test : .validation
            if let checkpoint {
                try restore(checkpoint)
            } else {
                state.origin = current.transfer?.origin
                mustSaveFirst =
                    current.transfer != nil || resolved.run.keepEpochs.contains(0)
                if resolved.run.layerStatistics {
                    state.layers = try observer.statistics(epoch: 0)
                }
            }
        } catch {
            throw TrainingError.wrapping(error, as: .computation)
        }
    }

    /// Trains until the last epoch is done or a stop is requested.
    ///
    /// - Parameter stop: when it is requested, the step under way is finished and saved.
    /// - Throws: `.notFinite` when the loss or a parameter is NaN or infinite: the checkpoint from
    ///   before stays. `.diskFull` or `.file` when saving fails, `.data` for an unreadable image.
    public func run(stop: StopRequest = StopRequest()) throws(TrainingError) -> TrainingOutcome {
        do {
            // Before the recipe: with the recipe alone, a run that was killed starts anew from other weights.
            if mustSaveFirst { try save() }
            try directory.write(recipe)
            try report(.started(summary))
            while true {
                while state.epoch < current.stage.end {
                    guard try trainEpoch(stop) else { return outcome }
                    guard try finishEpoch(stop) else { return outcome }
                }
                if current.stage.index == stages.count - 1 { break }
                try beginNextStage()
            }
            try finishRun(stop)
            return outcome
        } catch {
            throw TrainingError.wrapping(error, as: .computation)
        }
    }

    /// What holds in the stage under way: the recipe where it has no stages.
    public var configuration: TrainingConfiguration { current.stage.configuration }
    /// The network that is trained in it.
    public var network: Network { current.network }

    var step: TrainingStep { current.step }
    var observer: LayerObserver { current.observer }
    var averages: ExponentialMovingAverage? { current.averages }

    func report(_ event: TrainingEvent) throws {
        for observer in observers { try observer(event, state) }
    }

    private var outcome: TrainingOutcome {
        TrainingOutcome(
            isFinished: state.epoch == epochs
                && (splits.validation == nil || state.finalTest != nil), epochs: state.epoch,
            steps: state.progress.steps, metrics: state.metrics, bestEpoch: state.bestEpoch,
            bestTop1: state.bestTop1,
            selection: state.selection ?? .test, finalTest: state.finalTest,
            skippedImages: state.skipped.count)
    }

    private var summary: RunSummary {
        RunSummary(
            stage: stageSummary, epochs: epochs, dataset: state.dataset, directory: directory.path,
            completedEpochs: state.epoch, completedSteps: state.progress.steps,
            earlierEpochs: earlierEpochs, notes: splits.notes)
    }
}
