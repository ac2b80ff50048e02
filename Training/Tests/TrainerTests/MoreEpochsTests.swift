import BONNData
import BONNMethods
import BONNModelFormat
import Foundation
import Testing

@testable import BONNTrainer

/// Runs that are resumed with another number of epochs.
@Suite struct MoreEpochsTests {
    private let folder = TemporaryFolder()

    private func configuration(
        epochs: Int, _ change: (inout TrainingConfiguration) -> Void = { _ in }
    ) -> TrainingConfiguration {
        smallConfiguration {
            $0.schedule.epochs = epochs
            change(&$0)
        }
    }

    @Test func `a finished run goes on with the rates and phases of the longer plan`() throws {
        let path = folder.path + "/run"
        try train(configuration(epochs: 2), in: path)
        let before = try Checkpoint(path: path + "/last.safetensors")
        var tuned: [Int] = []
        var earlier: Int?
        let longer = configuration(epochs: 6)
        let outcome = try train(longer, in: path, resuming: true) { event in
            if case .objective("feature loss", let epoch) = event { tuned.append(epoch) }
            if case .started(let summary) = event { earlier = summary.earlierEpochs }
        }
        #expect(outcome.isFinished && outcome.epochs == 6 && earlier == 2)
        // Two epochs before with the second of them fine-tuned; three of six are.
        #expect(tuned == [4])
        let rows = outcome.metrics
        #expect(Array(rows.prefix(2)) == before.state.metrics)
        let schedule = LearningRateSchedule(longer.schedule, stepsPerEpoch: 3)
        for row in rows.dropFirst(2) {
            let expected = 0.01 * schedule.factor(atStep: row.epoch * 3 - 1)
            #expect(row.learningRate == expected, "epoch \(row.epoch)")
            #expect((row.losses["feature_loss"] != 0) == (row.epoch >= 4), "epoch \(row.epoch)")
        }
        let stored = try Recipe.read(path: path + "/config.yaml")
        #expect(stored.schedule.epochs == 6)
    }

    @Test(arguments: [0.5, 1.0, 0])
    func `a longer run that stops after any step and goes on ends with the same bits`(
        fineTuning: Double
    ) throws {
        func plan(_ epochs: Int) -> TrainingConfiguration {
            configuration(epochs: epochs) {
                $0.losses[FeatureLossSettings.self].fineTuningFraction = fineTuning
            }
        }
        let whole = folder.path + "/whole"
        try train(plan(1), in: whole)
        try train(plan(3), in: whole, resuming: true)
        let reference = try RunResult(whole)
        for steps in 1...5 {
            let path = folder.path + "/stopped-\(steps)"
            try train(plan(1), in: path)
            let stopped = try train(plan(3), in: path, resuming: true, stopAfter: steps)
            #expect(!stopped.isFinished)
            // The checkpoint knows the new number.
            let stored = try Checkpoint(path: path + "/last.safetensors").configuration
            #expect(try train(stored, in: path, resuming: true).isFinished)
            let difference = try RunResult(path).difference(from: reference)
            #expect(difference == nil, "stopped after \(steps) steps")
        }
    }

    @Test func `the new number is saved before the first step`() throws {
        let path = folder.path + "/run"
        try train(configuration(epochs: 1), in: path)
        var first: Int?
        try train(configuration(epochs: 2), in: path, resuming: true) { event in
            guard case .saved(let file) = event, first == nil else { return }
            first = try? Checkpoint(path: file).configuration.schedule.epochs
        }
        #expect(first == 2)
    }

    @Test func `fewer epochs than are done are refused, and as many end the run`() throws {
        let path = folder.path + "/run"
        // Three steps are an epoch.
        try train(configuration(epochs: 4), in: path, stopAfter: 8)
        let found = message { try train(configuration(epochs: 2), in: path, resuming: true) }
        #expect(
            found
                == "schedule.epochs is 2, but \(path)/last.safetensors holds 2 epochs and 2 steps "
                + "of another; expected at least 3")
        let shortened = try train(configuration(epochs: 3), in: path, resuming: true)
        #expect(shortened.isFinished && shortened.epochs == 3)
        let again = message { try train(configuration(epochs: 2), in: path, resuming: true) }
        #expect(again?.hasSuffix("holds 3 epochs; expected at least 3") == true, "\(again ?? "")")
    }

    @Test func `a shorter plan sets the centers of the feature loss before it uses them`() throws {
        let path = folder.path + "/run"
        // Fine-tuning would start with epoch 5 of 8; of 4 epochs it is the last two.
        try train(configuration(epochs: 8), in: path, stopAfter: 8)
        var tuned: [Int] = []
        try train(configuration(epochs: 4), in: path, resuming: true) { event in
            if case .objective("feature loss", let epoch) = event { tuned.append(epoch) }
        }
        #expect(tuned == [3])
        let last = try Checkpoint(path: path + "/last.safetensors")
        let centers = try #require(last.tensors["trainer/feature_loss.centres"])
        #expect(centers.bytes.contains { $0 != 0 })
    }

    @Test func `a checkpoint that does not name its phase goes on with the same bits`() throws {
        let whole = folder.path + "/whole"
        try train(configuration(epochs: 3), in: whole)
        let reference = try RunResult(whole)
        for steps in 1...8 {
            let path = folder.path + "/old-\(steps)"
            try train(configuration(epochs: 3), in: path, stopAfter: steps)
            var old = try Checkpoint(path: path + "/last.safetensors")
            old.state.prepared = nil
            try old.write(to: path + "/last.safetensors")
            try train(configuration(epochs: 3), in: path, resuming: true)
            let difference = try RunResult(path).difference(from: reference)
            #expect(difference == nil, "stopped after \(steps) steps")
        }
    }
}
