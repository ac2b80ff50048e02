import BONNConfiguration
import BONNMethods
import BONNModelFormat
import Foundation
import Testing

@testable import BONNTrainer

/// Runs whose recipes have stages.
@Suite struct StageTests {
    /// Real weights for two epochs, then 1-bit weights for two.
    private static let stages = """
        stages:
          - name: real weights
            method.weights: real
            schedule.epochs: 2
            optimizer.learning_rate: 0.02
          - name: binary weights
            schedule.epochs: 2
            schedule.name: constant
            losses.fine_tuning_fraction: 0.5
        """

    private static func configuration(_ recipe: String = stages) throws -> TrainingConfiguration {
        try Recipe.read(yaml: recipe, source: "r.yaml", over: smallConfiguration())
    }

    @Test func `a stage starts from the weights of the one before, and epochs count on`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/run"
        var events: [TrainingEvent] = []
        var first: Checkpoint?
        let outcome = try train(try Self.configuration(), in: path) { event in
            events.append(event)
            if case .stage = event { first = try? Checkpoint(path: path + "/last.safetensors") }
        }
        #expect(outcome.isFinished && outcome.epochs == 4)
        #expect(outcome.metrics.map(\.epoch) == [1, 2, 3, 4])
        let rates = outcome.metrics.map(\.learningRate)
        #expect(rates[1] < 0.02 && rates[2] == 0.01 && rates[3] == 0.01, "each its own schedule")
        #expect(
            outcome.metrics.map { ($0.losses["kernel_loss"] ?? 0) != 0 }
                == [false, false, true, true], "real weights have no kernel loss")
        #expect(
            outcome.metrics.map { ($0.losses["feature_loss"] ?? 0) != 0 }
                == [false, true, false, true], "the last half of each stage")
        #expect((outcome.bestEpoch ?? 0) > 2, "the best of the last stage")

        let stage = try #require(
            events.compactMap { if case .stage(let stage) = $0 { stage } else { nil } }.first)
        #expect(stage.stage.title == "stage 2 (binary weights)" && stage.stage.firstEpoch == 2)
        #expect(stage.stages == 2 && stage.binaryParameters > 0)
        let transfer = try #require(stage.transfer)
        #expect(
            transfer.left.isEmpty
                && transfer.new.map(\.name).allSatisfy { name in
                    ["w", "mu", "sigma"].contains { name.text.hasSuffix(".\($0)") }
                })
        let end = try #require(first)
        #expect(end.configuration.model.method.weights == .real && end.state.epoch == 2)
        let last = try Checkpoint(path: path + "/last.safetensors")
        #expect(last.state.stage == 1 && last.configuration.model.method.weights == .quantized)
        #expect(last.recipe.stages.count == 2)
        let network = try last.network(source: path)
        #expect(!network.quantizedLayers.isEmpty)
        // A run that is killed between the stages.
        let killed = folder.path + "/killed"
        try FileManager.default.createDirectory(
            atPath: killed, withIntermediateDirectories: true)
        try end.write(to: killed + "/last.safetensors")
        try train(last.recipe, in: killed, resuming: true)
        let difference = try RunResult(killed).difference(from: RunResult(path))
        #expect(difference == nil, "\(difference ?? "")")
    }

    @Test(arguments: [2, 6, 7])
    func `a run that is stopped in any stage goes on with the same bits`(
        steps: Int
    ) throws {
        let folder = TemporaryFolder()
        try train(try Self.configuration(), in: folder.path + "/whole")
        let path = folder.path + "/stopped"
        let stopped = try train(try Self.configuration(), in: path, stopAfter: steps)
        #expect(!stopped.isFinished)
        let resumed = try train(
            try Checkpoint(path: path + "/last.safetensors").recipe, in: path, resuming: true)
        #expect(resumed.isFinished)
        let difference = try RunResult(path).difference(from: RunResult(folder.path + "/whole"))
        #expect(difference == nil, "after \(steps) steps: \(difference ?? "")")
    }

    @Test func `one stage with the settings of the whole is a run without stages`() throws {
        let folder = TemporaryFolder()
        try train(smallConfiguration(), in: folder.path + "/plain")
        try train(
            try Self.configuration("stages:\n  - schedule.epochs: 3\n"), in: folder.path + "/staged"
        )
        let difference = try RunResult(folder.path + "/staged")
            .difference(from: RunResult(folder.path + "/plain"))
        #expect(difference == nil, "\(difference ?? "")")
    }

    @Test func `a finished run gets more epochs in its last stage`() throws {
        let folder = TemporaryFolder()
        let recipe = "stages:\n  - schedule.epochs: 1\n    method.weights: real\n  - name: binary\n"
        var configuration = try Self.configuration(recipe)
        configuration.schedule.epochs = 2
        try train(configuration, in: folder.path)
        configuration.schedule.epochs = 4
        var earlier: Int?
        let outcome = try train(configuration, in: folder.path, resuming: true) { event in
            if case .started(let summary) = event { earlier = summary.earlierEpochs }
        }
        #expect(outcome.isFinished && outcome.epochs == 5 && earlier == 3)
        configuration.schedule.epochs = 1
        let found = message { try train(configuration, in: folder.path, resuming: true) }
        #expect(
            found?.contains("schedule.epochs of stage 2 (binary) is 1, but") == true,
            "\(found ?? "")")
    }

    @Test(arguments: [
        (
            "stages:\n  - {}\n  - name: late\n    optimizer.momentum: 0\n    optimizer.name: sgd\n",
            "stage 2 (late): optimizer.nesterov is true"
        ),
        (
            "stages:\n  - losses.class_weights: [1, 2]\n",
            "stage 1: losses.class_weights has 2 numbers, expected 3"
        ),
    ])
    func `a stage that cannot be trained is said before the first one is`(
        recipe: String, expected: String
    ) throws {
        let folder = TemporaryFolder()
        let found = message { try train(try Self.configuration(recipe), in: folder.path) }
        #expect(found?.hasPrefix(expected) == true, "\(found ?? "nothing")")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/last.safetensors"))
    }

    @Test func `other stages are another run`() throws {
        let folder = TemporaryFolder()
        try train(try Self.configuration(), in: folder.path, stopAfter: 2)
        var other = try Self.configuration()
        other.stages[1] = RecipeStage(name: "another")
        let found = message { try train(other, in: folder.path, resuming: true) }
        #expect(
            found?.contains("was trained with another stage 2") == true, "\(found ?? "nothing")")
    }
}
