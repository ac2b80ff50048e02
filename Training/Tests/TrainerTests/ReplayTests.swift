import BONNData
import BONNImage
import BONNMethods
import Foundation
import Testing

@testable import BONNTrainer

/// Whole runs of small networks against plain PyTorch, which gets the same initial weights and makes the
/// same draws with a generator of its own (`Tests/Oracle/replay_training.py`): order, crops, flips,
/// normalisation, schedule, losses and the optimiser's steps.
@Suite struct ReplayTests {
    private static let python = oraclePython()
    private static let noPython: Comment =
        "no Python with torch, numpy and safetensors: name one in BONN_PYTHON, or run make setup"

    @Test(.enabled(if: python != nil, noPython))
    func `a real network learns as in PyTorch, epoch by epoch`() throws {
        for seed in 1...3 {
            let configuration = Self.configuration(seed: seed) {
                $0.model.method.value = FullPrecision()
                $0.losses.classification.labelSmoothing = 0.1
                $0.optimizer.weightDecay = 0.01
                $0.schedule.epochs = 4
                $0.schedule.warmupEpochs = 0.5
                $0.data.batchSize = 20  // the last batch of 48 is not full
            }
            let difference = try Self.largestDifference(configuration)
            #expect(difference <= 1e-5, "seed \(seed)")
        }
    }

    // Rounding may flip a sign on one side alone, which leads the two apart: not with every seed. A
    // trainer that is wrong agrees with none.
    @Test(
        .enabled(if: python != nil, noPython), arguments: [OptimizerConfiguration.Name.sgd, .adam])
    func `a 1-bit network learns as in PyTorch, epoch by epoch`(
        optimizer: OptimizerConfiguration.Name
    ) throws {
        let differences = try (1...5).map { seed in
            try Self.largestDifference(
                Self.configuration(seed: seed) {
                    $0.losses[KernelLossSettings.self].lambda = 1e-3
                    $0.schedule.epochs = 3
                    $0.data.batchSize = 24
                    $0.optimizer.name = optimizer
                    guard optimizer == .adam else { return }
                    // The rates of recipes/wrn22-cifar10-quick.yaml.
                    $0.optimizer.learningRate = 0.005
                    $0.optimizer.latentLearningRate = 0.0005
                    $0.optimizer.scaleLearningRate = 0.0002
                })
        }
        #expect(differences.count { $0 <= 1e-5 } >= 3, "\(differences)")
    }

    /// The largest relative difference of an epoch's loss from PyTorch's.
    private static func largestDifference(
        _ configuration: TrainingConfiguration
    ) throws -> Double {
        let (ours, theirs) = try losses(configuration)
        let first = theirs[0][0]
        let last = theirs[theirs.count - 1][0]
        #expect(last < 0.97 * first, "nothing was learnt: \(theirs)")
        return zip(ours.joined(), theirs.joined()).reduce(0) { largest, pair in
            max(largest, abs(pair.0 - pair.1) / max(abs(pair.1), 1e-12))
        }
    }

    private static func configuration(
        seed: Int, _ change: (inout TrainingConfiguration) -> Void
    ) -> TrainingConfiguration {
        smallConfiguration {
            $0.run.seed = seed
            $0.run.emaDecay = 0
            $0.model.widths = [8, 8, 8, 16]
            $0.model.method.value = BONN()
            $0.losses[KernelLossSettings.self].lambda = 0
            $0.losses[FeatureLossSettings.self].theta = 0
            $0.losses.classification.labelSmoothing = 0
            $0.optimizer.name = .sgd
            $0.optimizer.weightDecay = 0
            $0.schedule.warmupEpochs = 0
            change(&$0)
        }
    }

    /// Cross-entropy and kernel loss of each epoch, ours and PyTorch's.
    private static func losses(
        _ configuration: TrainingConfiguration
    ) throws -> (ours: [[Double]], theirs: [[Double]]) {
        let folder = TemporaryFolder()
        let splits = ColourDataset.splits()
        var still = configuration
        still.schedule.epochs = 1
        still.optimizer.name = .sgd
        still.optimizer.learningRate = 0
        still.optimizer.latentLearningRate = nil
        still.optimizer.scaleLearningRate = nil
        try train(still, in: folder.path + "/initial", splits: splits)
        try train(configuration, in: folder.path + "/run", splits: splits)
        let rows = try Checkpoint(path: folder.path + "/run/last.safetensors").state.metrics
        let theirs = try replay(configuration, splits.train, in: folder.path)
        try #require(rows.count == configuration.schedule.epochs)
        try #require(theirs.map(\.count) == rows.map { _ in 2 }, "PyTorch's losses: \(theirs)")
        return (
            rows.map { [$0.losses["cross_entropy"] ?? 0, $0.losses["kernel_loss"] ?? 0] }, theirs
        )
    }

    private static func replay(
        _ configuration: TrainingConfiguration, _ images: any ImageDataset, in folder: String
    ) throws -> [[Double]] {
        var pixels: [UInt8] = []
        var labels: [UInt8] = []
        for index in 0..<images.count {
            let image = try images.image(at: index)
            for channel in 0..<3 {
                pixels += stride(from: channel, to: image.pixels.count, by: 3).map {
                    image.pixels[$0]
                }
            }
            labels.append(UInt8(images.label(at: index)))
        }
        try Data(pixels).write(to: URL(fileURLWithPath: folder + "/images"))
        try Data(labels).write(to: URL(fileURLWithPath: folder + "/labels"))
        let model = configuration.model
        let kernel = configuration.losses[KernelLossSettings.self]
        var arguments = [
            "--images", folder + "/images", "--labels", folder + "/labels", "--side", "8",
            "--classes", "3", "--initial", folder + "/initial/last.safetensors",
            "--seed", "\(configuration.run.seed)",
            "--widths", model.widths.map(String.init).joined(separator: "-"),
            "--epochs", "\(configuration.schedule.epochs)",
            "--batch-size", "\(configuration.data.batchSize)",
            "--learning-rate", "\(configuration.optimizer.learningRate)",
            "--weight-decay", "\(configuration.optimizer.weightDecay)",
            "--warmup-epochs", "\(configuration.schedule.warmupEpochs)",
            "--label-smoothing", "\(configuration.losses.classification.labelSmoothing)",
            "--padding", "\(configuration.augmentation.padding)",
            "--lambda", "\(kernel.lambda)", "--nu", "\(kernel.nu)",
        ]
        if model.method.value is FullPrecision { arguments.append("--real") }
        if configuration.optimizer.name == .adam {
            arguments += ["--optimizer", "adam"]
            for (option, rate) in [
                ("--latent-learning-rate", configuration.optimizer.latentLearningRate),
                ("--scale-learning-rate", configuration.optimizer.scaleLearningRate),
            ] { arguments += [option, "\(rate ?? configuration.optimizer.learningRate)"] }
        }
        let result = try runOracle(#require(python), "replay_training.py", arguments)
        return result.split(separator: "\n").map { line in
            line.split(separator: " ").compactMap { Double($0) }
        }
    }
}

/// `BONN_PYTHON`, or the Python that `make setup` installed, if it has the packages of the oracle.
private func oraclePython() -> String? {
    let local = oracleFolder.appendingPathComponent("../../.venv/bin/python").standardized.path
    return [ProcessInfo.processInfo.environment["BONN_PYTHON"], local].compactMap(\.self).first {
        (try? Tool(["-c", "import numpy, torch, safetensors.torch"], program: $0).wait())?.status
            == 0
    }
}

private let oracleFolder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Oracle")

/// What a script of the oracle prints.
private func runOracle(_ python: String, _ script: String, _ arguments: [String]) throws -> String {
    let path = oracleFolder.appendingPathComponent(script).path
    let result = try Tool([path] + arguments, program: python).wait()
    guard result.status == 0 else { throw TestFailure("\(script): \(result.errors)") }
    return result.output
}
