import BONNData
import BONNMethods
import Foundation
import Testing

@testable import BONNTrainer

@Suite struct FailureTests {
    private let folder = TemporaryFolder()

    /// The error of a run that must fail.
    private func failure(
        splits: DatasetSplits = ColourDataset.splits(),
        _ change: (inout TrainingConfiguration) -> Void
    ) -> TrainingError? {
        do {
            try train(smallConfiguration(change), in: folder.path, splits: splits)
            return nil
        } catch {
            return error as? TrainingError
        }
    }

    @Test func `a cross-entropy that is not finite is named`() throws {
        let error = try #require(
            failure {
                $0.optimizer.name = .sgd
                $0.optimizer.learningRate = 1e25
                $0.losses[KernelLossSettings.self].lambda = 0
                $0.losses[FeatureLossSettings.self].theta = 0
            })
        #expect(error.code == .notFinite)
        #expect(error.message.contains(": the cross-entropy is"), "\(error)")
        #expect(error.message.contains("is not finite since the step before"), "\(error)")
        #expect(error.message.contains("no checkpoint had been written yet"))
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/last.safetensors"))
    }

    @Test func `a kernel loss that is not finite is named with its layer`() throws {
        let error = try #require(failure { $0.losses[KernelLossSettings.self].nu = 1e300 })
        #expect(error.code == .notFinite)
        #expect(
            error.message.contains(
                "epoch 1, step 1: the kernel loss of stages.0.0.0.convolution is"), "\(error)")
    }

    @Test func `a feature loss that is not finite is named, and the last checkpoint stays`() throws
    {
        let error = try #require(failure { $0.losses[FeatureLossSettings.self].theta = 1e300 })
        #expect(error.code == .notFinite)
        // Three epochs, of which the feature loss acts in the last one or two.
        #expect(error.message.contains("step 1: the feature loss is"), "\(error)")
        #expect(error.message.contains("the last good checkpoint is \(folder.path)/last.safete"))
        let kept = try Checkpoint(path: folder.path + "/last.safetensors")
        #expect(kept.state.epoch >= 1 && kept.state.progress.steps == 0)
        #expect(kept.state.metrics.count == kept.state.epoch)
        _ = try kept.network(source: "kept")
    }

    @Test func `an unreadable image ends the run with its name, or is counted`() throws {
        let broken = CountingDataset(count: 40, broken: [7, 31])
        let splits = DatasetSplits(
            kind: .synthetic, train: broken, test: CountingDataset(count: 9, broken: [2]))
        func change(_ configuration: inout TrainingConfiguration) {
            configuration.schedule.epochs = 2
            configuration.augmentation.mean = [0.5, 0.5, 0.5]
            configuration.augmentation.std = [0.3, 0.3, 0.3]
        }
        let error = try #require(failure(splits: splits, change))
        #expect(error.code == .data && error.message.contains(".png: not a PNG file"))
        try FileManager.default.removeItem(atPath: folder.path)
        let outcome = try train(
            smallConfiguration {
                change(&$0)
                $0.data.skipBroken = true
            }, in: folder.path, splits: splits)
        #expect(outcome.isFinished && outcome.skippedImages == 3)
    }

    @Test func `a missing device and contradictions are refused before anything is written`() {
        #expect(failure { $0.run.device = "cuda:7" }?.message.contains("cuda:7") == true)
        #expect(failure { $0.run.device = "gpu" }?.message.contains("gpu") == true)
        #expect(
            failure {
                $0.optimizer.name = .sgd
                $0.optimizer.momentum = 0
            }?.message.contains("optimizer.nesterov is true") == true)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/config.yaml"))
    }
}
