import BONNConfiguration
import BONNData
import BONNImage
import BONNMethods
import BONNModelFormat
import BONNNetworks
import Foundation
import Testing

@testable import BONNTrainer

/// Small images that a small network learns in a few steps: the class is the colour.
struct ColourDataset: ImageDataset {
    var count: Int
    var stream: UInt64

    var name: String { "colours" }
    var classNames: [Name] = ["red", "green", "blue"]
    var channels: Int { 3 }
    var imageSize: (width: Int, height: Int)? { (8, 8) }

    func label(at index: Int) -> Int { index % classNames.count }
    func identifier(at index: Int) -> String { "colours/\(index)" }

    func image(at index: Int) throws(DataError) -> PixelBuffer {
        var random = SeededGenerator(seed: stream, stream: UInt64(index))
        let pixels = (0..<64 * 3).map { sample in
            UInt8(random.integer(below: 120) + (sample % 3 == index % 3 ? 100 : 0))
        }
        return PixelBuffer(width: 8, height: 8, channels: 3, pixels: pixels)
    }

    static func splits(train: Int = 48, test: Int = 24) -> DatasetSplits {
        DatasetSplits(
            kind: .synthetic, train: ColourDataset(count: train, stream: 1),
            test: ColourDataset(count: test, stream: 2))
    }
}

/// A configuration that trains in a second: every kind of state is in use.
func smallConfiguration(
    _ change: (inout TrainingConfiguration) -> Void = { _ in }
) -> TrainingConfiguration {
    var configuration = TrainingConfiguration()
    configuration.model.widths = [2, 2, 4, 4]
    configuration.model.method.value = BONN(block: BONNBlock(dropout: 0.1))
    configuration.data.batchSize = 16
    configuration.schedule.epochs = 3
    configuration.schedule.name = .cosine
    configuration.schedule.warmupEpochs = 0.5
    configuration.optimizer.name = .adam
    configuration.optimizer.learningRate = 0.01
    configuration.losses.classification.labelSmoothing = 0.1
    configuration.losses[FeatureLossSettings.self].fineTuningFraction = 0.5
    configuration.augmentation.padding = 1
    configuration.run.emaDecay = 0.9
    configuration.run.threads = 1
    configuration.run.checkpointMinutes = 0
    change(&configuration)
    return configuration
}

/// What a run leaves, without what depends on the clock.
struct RunResult: Equatable {
    var tensors: [Name: [UInt8]]
    /// The weights of the best checkpoint.
    var best: SHA256.Digest
    var state: TrainingState
    var metrics: [[String]]
    var layers: String

    init(_ folder: String) throws {
        let checkpoint = try Checkpoint(path: folder + "/last.safetensors")
        tensors = checkpoint.tensors.mapValues(\.bytes)
        best = try Checkpoint(path: folder + "/best.safetensors").weightsDigest
        state = checkpoint.state
        state.progress.seconds = 0
        for row in state.metrics.indices {
            state.metrics[row].seconds = 0
            state.metrics[row].imagesPerSecond = 0
        }
        metrics = try String(contentsOfFile: folder + "/metrics.csv", encoding: .utf8)
            .split(separator: "\n").map { line in
                line.split(separator: ",", omittingEmptySubsequences: false).dropLast(2)
                    .map(String.init)
            }
        layers = try String(contentsOfFile: folder + "/layers.csv", encoding: .utf8)
    }

    /// What differs; nil when nothing does.
    func difference(from other: RunResult) -> String? {
        guard self != other else { return nil }
        let names = Set(tensors.keys).union(other.tensors.keys).sorted()
        let differing = names.filter { tensors[$0] != other.tensors[$0] }
        let rows = zip(metrics, other.metrics).filter { $0 != $1 }
        return "\(differing.count) of \(names.count) tensors \(differing.prefix(3)), "
            + "rows \(rows), same state \(state == other.state), same layers "
            + "\(layers == other.layers), same best \(best == other.best)"
    }
}

/// Trains in this process until the end, or until a number of steps was taken.
@discardableResult
func train(
    _ configuration: TrainingConfiguration, in folder: String, resuming: Bool = false,
    stopAfter steps: Int = .max, splits: DatasetSplits = ColourDataset.splits(),
    report: @escaping (TrainingEvent) -> Void = { _ in }
) throws -> TrainingOutcome {
    let directory = try RunDirectory(folder)
    let stop = StopRequest()
    var taken = 0
    let trainer = try Trainer(
        configuration: configuration, splits: splits, directory: directory,
        resuming: resuming ? try Checkpoint(path: directory.lastPath) : nil,
        observers: [
            { event, _ in report(event) },
            { event, _ in
                guard case .step = event else { return }
                taken += 1
                if taken == steps { stop.request() }
            },
        ])
    return try trainer.run(stop: stop)
}
