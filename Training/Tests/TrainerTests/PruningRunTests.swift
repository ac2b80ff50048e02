import BONNConfiguration
import BONNMethods
import BONNModelFormat
import BONNNetworks
import Foundation
import Testing
import Torch

@testable import BONNTrainer

/// Runs that prune, checkpoints that filters are taken from, and what the commands say of them.
@Suite struct PruningRunTests {
    /// Real weights, then two rounds of pruning.
    private static let weights = """
        stages:
          - schedule.epochs: 1
          - schedule.epochs: 1
            pruning.magnitude: 0.4
          - schedule.epochs: 1
            pruning.magnitude: 0.8
            optimizer.learning_rate: 0.001
        """

    /// A 1-bit network, its filters in groups, and these trained on.
    private static let groups = """
        stages:
          - schedule.epochs: 1
          - schedule.epochs: 2
            pruning.groups: 0.5
            pruning.convergence: 0.8
          - schedule.epochs: 1
            pruning.groups: 0.5
            pruning.convergence: 0
        """

    private static func configuration(
        _ recipe: String, isReal: Bool
    ) throws -> TrainingConfiguration {
        let base = smallConfiguration {
            $0.run.emaDecay = 0
            $0.model.widths = [2, 4, 4, 6]
            let block = BONNBlock(shortcut: .classic, dropout: 0.1)
            $0.model.method.value =
                isReal ? FullPrecision(block: block) as any Method : BONN(block: block)
        }
        return try Recipe.read(yaml: recipe, source: "r.yaml", over: base)
    }

    private static func zeros(_ path: String) throws -> [String: Int] {
        let checkpoint = try Checkpoint(path: path)
        return try checkpoint.network(source: path).realWeights.reduce(into: [:]) {
            $0[$1.name] = Int(try $1.weight.tensor.eq(0.0).to(.float64).sum().item())
        }
    }

    @Test(arguments: [true, false])
    func `a run that prunes and is stopped anywhere ends with the same bits`(isReal: Bool) throws {
        let folder = TemporaryFolder()
        let recipe = isReal ? Self.weights : Self.groups
        let configuration = try Self.configuration(recipe, isReal: isReal)
        let outcome = try train(configuration, in: folder.path + "/whole")
        let steps = 48 / 16
        for stop in [steps + 1, 2 * steps, 3 * steps - 1] {
            let path = folder.path + "/stopped\(stop)"
            let stopped = try train(configuration, in: path, stopAfter: stop)
            #expect(!stopped.isFinished)
            let resumed = try train(configuration, in: path, resuming: true)
            #expect(resumed.isFinished && resumed.epochs == outcome.epochs)
            // A real network has no table of binary layers.
            for run in [path, folder.path + "/whole"] where isReal {
                try "".write(toFile: run + "/layers.csv", atomically: true, encoding: .utf8)
            }
            let difference = try RunResult(path)
                .difference(from: RunResult(folder.path + "/whole"))
            #expect(difference == nil, "after \(stop) steps: \(difference ?? "")")
        }
    }

    @Test func `each round prunes more weights, and none comes back`() throws {
        let folder = TemporaryFolder()
        var rounds: [[String: Int]] = []
        let path = folder.path + "/last.safetensors"
        try train(try Self.configuration(Self.weights, isReal: true), in: folder.path) { event in
            if case .epoch = event { rounds.append((try? Self.zeros(path)) ?? [:]) }
        }
        #expect(rounds.count == 3 && !rounds[0].isEmpty)
        for (name, count) in rounds[0] {
            #expect(count == 0, "\(name)")
            #expect(rounds[1][name, default: 0] <= rounds[2][name, default: 0], "\(name)")
        }
        func total(_ round: Int) -> Int { rounds[round].values.reduce(0, +) }
        #expect(total(1) > 0 && total(2) > total(1), "\(rounds.map { $0.values.reduce(0, +) })")
        let masks = try Checkpoint(path: path).tensors.keys.filter {
            $0.text.hasPrefix("trainer/pruning.") && $0.text.hasSuffix(".mask")
        }
        #expect(masks.count == rounds[0].count)
    }

    @Test func `a stage trains the part that it names, and leaves every bit of the other`() throws {
        let folder = TemporaryFolder()
        let base = smallConfiguration {
            $0.run.emaDecay = 0
            $0.model.network = "convnet"
            $0.model.widths = [4, 4, 8, 8]
            $0.model.method.value = FullPrecision()
        }
        let recipe = """
            stages:
              - schedule.epochs: 1
              - schedule.epochs: 1
                pruning.layers: [units.5=0.5, head=0.5]
                pruning.trains: fully_connected
              - schedule.epochs: 1
                pruning.magnitude: 0
                pruning.trains: convolutions
            """
        var networks: [[String: [UInt8]]] = []
        let path = folder.path + "/last.safetensors"
        try train(Recipe.read(yaml: recipe, source: "r.yaml", over: base), in: folder.path) {
            guard case .epoch = $0, let checkpoint = try? Checkpoint(path: path),
                let network = try? checkpoint.network(source: path)
            else { return }
            networks.append(
                network.store.trainable.reduce(into: [:]) {
                    $0[$1.name] = try? $1.tensor.detached().bytes()
                })
        }
        try #require(networks.count == 3)
        for (name, values) in networks[0] {
            // The batch norm of the first fully connected layer stands in front of it.
            let isConnected =
                !name.hasPrefix("units.5.norm")
                && ["units.5", "units.6", "ending", "head"].contains { name.hasPrefix($0) }
            #expect((networks[1][name] == values) == !isConnected, "\(name) of the second stage")
            #expect(
                (networks[2][name] == networks[1][name]) == isConnected,
                "\(name) of the third stage")
        }
    }

    @Test func `filters of a group become one, which no further step tells apart`() throws {
        let folder = TemporaryFolder()
        let configuration = try Self.configuration(Self.groups, isReal: false)
        let outcome = try train(configuration, in: folder.path)
        let losses = outcome.metrics.map { $0.losses["group_loss"] }
        #expect(losses[0] == nil && losses[1] != nil && losses[3] != nil, "\(losses)")
        // What is best is of the last stage, in which the filters are the same.
        for name in ["best", "last"] {
            let path = "\(folder.path)/\(name).safetensors"
            let checkpoint = try Checkpoint(path: path)
            let network = try checkpoint.network(source: path)
            let counts = try network.pruningCounts().filter(\.isBinary)
            #expect(!counts.isEmpty)
            for count in counts {
                #expect(count.differentFilters <= max(1, count.filters / 2), "\(count)")
            }
            let (shared, difference) = try checkpoint.withSharedFilters(source: path)
            #expect(difference == 0, "nothing is lost")
            #expect(shared.weightsDigest == checkpoint.weightsDigest)
        }
    }

    @Test func `filters of a checkpoint are removed, and what is left is trained on`() throws {
        let folder = TemporaryFolder()
        let configuration = try Self.configuration("schedule:\n  epochs: 1\n", isReal: true)
        try train(configuration, in: folder.path + "/whole")
        let source = folder.path + "/whole/last.safetensors"
        var pruning = FilterPruning()
        pruning.ratio = 0.5
        let (smaller, before, after) = try Checkpoint(path: source)
            .pruned(by: pruning, source: source)
        #expect(after.store.parameters.count == before.store.parameters.count)
        let path = folder.path + "/smaller.safetensors"
        try smaller.write(to: path)
        let read = try Checkpoint(path: path)
        #expect(read.recipe.model.channels.count == 10 && read.state.metrics.isEmpty)
        #expect(read.state.origin?.path == source)
        let images = try Generator(seed: 1).normal([2, 3, 8, 8])
        let found = try read.network(source: path)(images, .evaluation).logits
        #expect(try found.equals(after(images, .evaluation).logits))

        let start = StartingPoint(read, path: path)
        var next = configuration
        next.model = start.configuration.model
        let directory = try RunDirectory(folder.path + "/next")
        let trainer = try Trainer(
            configuration: next, splits: ColourDataset.splits(), directory: directory,
            startingFrom: start)
        #expect(trainer.network.plan == after.plan)
        #expect(try trainer.run().isFinished)
        let last = try Checkpoint(path: directory.lastPath)
        #expect(last.recipe.model.channels == read.recipe.model.channels)
        _ = try last.network(source: directory.lastPath)

        // A second time, on what is left.
        let again = try read.pruned(by: pruning, source: path).checkpoint
        #expect(again.recipe.model.channels.count == 10)
        #expect(
            zip(again.recipe.model.channels, read.recipe.model.channels)
                .allSatisfy { $0.name == $1.name && $0.value <= $1.value })
    }

    @Test func `what cannot be pruned says why`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/last.safetensors"
        try train(
            smallConfiguration {
                $0.schedule.epochs = 1
                $0.run.emaDecay = 0
            }, in: folder.path)
        let checkpoint = try Checkpoint(path: path)
        var pruning = FilterPruning()
        pruning.ratio = 0.5
        for (expected, body) in [
            // A shortcut around each convolution: none has channels of its own.
            (
                "no filter would be removed",
                { _ = try checkpoint.pruned(by: pruning, source: path) }
            ),
            ("expected groups of filters", { _ = try checkpoint.withSharedFilters(source: path) }),
        ] as [(String, () throws -> Void)] {
            let found = message(body)
            #expect(found?.contains(expected) == true, "\(found ?? "nothing")")
        }
        let averaged = smallConfiguration {
            $0.pruning.groups = 0.5
            $0.schedule.epochs = 1
        }
        let found = message { try train(averaged, in: folder.path + "/averaged") }
        #expect(found?.contains("run.ema_decay is 0.9") == true, "\(found ?? "nothing")")
    }

    @Test func `the commands prune, report and scan`() throws {
        let folder = TemporaryFolder()
        func run(_ arguments: String...) throws -> Tool.Ending {
            try Tool(arguments, in: folder.path).wait()
        }
        let trained = try run(
            "train", "--data", "synthetic:64", "--model", "wrn22", "--widths", "4-4-6-8",
            "--method",
            "real", "--set", "method.shortcut=classic", "--epochs", "1", "--output", "whole")
        #expect(trained.status == 0, "\(trained.errors)")
        let scan = try run(
            "prune", "scan", "whole/last.safetensors", "--data", "synthetic:64", "--images", "16",
            "--levels", "0.5,1", "--json")
        #expect(scan.status == 0 && scan.output.contains("\"layer\" : \"head\""), "\(scan)")
        let pruned = try run(
            "prune", "filters", "whole/last.safetensors", "--ratio", "0.5", "--layer", "stages.0=0",
            "--shortcut-ratio", "0.25", "--output", "smaller.safetensors")
        #expect(pruned.status == 0 && pruned.output.contains("real MACs"), "\(pruned)")
        let report = try run("prune", "report", "smaller.safetensors", "--json")
        #expect(report.status == 0 && report.output.contains("weights_left"), "\(report)")
        let exported = try run(
            "export", "smaller.safetensors", "--output", "smaller.bonn", "--images", "8")
        #expect(exported.status == 0, "\(exported)")
        let wrong = try run(
            "prune", "filters", "whole/last.safetensors", "--layer", "stages.0=1.5", "--output", "x"
        )
        #expect(wrong.status != 0 && wrong.errors.contains("shares must be from 0"), "\(wrong)")
    }
}
