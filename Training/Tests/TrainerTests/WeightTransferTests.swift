import BONNData
import BONNMethods
import BONNModelFormat
import BONNNetworks
import Foundation
import Testing
import Torch

@testable import BONNTrainer

/// Runs that start from the weights of others.
@Suite struct WeightTransferTests {
    private let folder = TemporaryFolder()

    /// A checkpoint of three classes, with moving averages.
    private func source(_ name: String = "source") throws -> StartingPoint {
        let path = folder.path + "/\(name)"
        try train(smallConfiguration { $0.schedule.epochs = 1 }, in: path)
        return StartingPoint(try Checkpoint(path: path + "/best.safetensors"), path: "best")
    }

    private func trainer(
        from source: StartingPoint, _ name: String, splits: DatasetSplits = ColourDataset.splits(),
        _ change: (inout TrainingConfiguration) -> Void = { _ in }
    ) throws -> Trainer {
        try Trainer(
            configuration: smallConfiguration(change), splits: splits,
            directory: RunDirectory(folder.path + "/" + name), startingFrom: source)
    }

    private func values(_ trainer: Trainer) throws -> [Name: [UInt8]] {
        try trainer.network.store.parameters.reduce(into: [:]) {
            $0[Name($1.name)] = try $1.tensor.detached().bytes()
        }
    }

    @Test func `all of the same network is taken, as averages, and nothing of the optimizer`()
        throws
    {
        let source = try source()
        let trainer = try trainer(from: source, "run")
        let transfer = try #require(trainer.current.transfer)
        #expect(transfer.new.isEmpty && transfer.left.isEmpty)
        #expect(transfer.taken.count == source.checkpoint.networkTensors.count)
        let deployed = source.checkpoint.deployedTensors.mapValues(\.bytes)
        #expect(try values(trainer) == deployed)
        #expect(deployed != source.checkpoint.networkTensors.mapValues(\.bytes))
        // Adam's moments and counts start at 0.
        for (name, tensor) in try trainer.step.optimiser.state() {
            #expect(try tensor.bytes().allSatisfy { $0 == 0 }, "\(name)")
        }
        let averages = try #require(trainer.averages).capture()
        #expect(averages["ema/head.weight"]?.bytes == deployed["head.weight"])
    }

    @Test func `with other classes the head starts anew, and everything else is taken`() throws {
        let source = try source()
        for (classes, shape) in [(["red", "green"], [2, 4]), (["rot", "grün", "blau"], [3, 4])] {
            var other = ColourDataset(count: 48, stream: 1)
            other.classNames = classes.map { Name($0) }
            let splits = DatasetSplits(kind: .synthetic, train: other, test: other)
            let trainer = try trainer(from: source, "run-\(classes.count)", splits: splits)
            let transfer = try #require(trainer.current.transfer)
            let items = [
                WeightTransfer.Item(name: "head.bias", shape: [shape[0]]),
                WeightTransfer.Item(name: "head.weight", shape: shape),
            ]
            #expect(transfer.new.sorted { $0.name < $1.name } == items)
            #expect(transfer.left.map(\.name) == ["head.bias", "head.weight"])
            let fresh = try Network(
                trainer.configuration.model, seed: RandomStream.initialisation.seed(1))
            let heads = try [trainer.network, fresh].map { network in
                let weight = try #require(network.store["head.weight"])
                return try weight.tensor.detached().bytes()
            }
            #expect(heads[0] == heads[1])
        }
    }

    @Test func `of another network what fits is taken, by name and shape`() throws {
        let source = try source()
        let trainer = try trainer(from: source, "run") { $0.model.widths = [2, 2, 8, 8] }
        let transfer = try #require(trainer.current.transfer)
        #expect(transfer.taken.contains { $0.name == "stages.0.0.0.convolution.weight" })
        let wider: Name = "stages.2.1.0.convolution.weight"
        #expect(transfer.new.contains(WeightTransfer.Item(name: wider, shape: [8, 8, 3, 3])))
        #expect(transfer.left.contains(WeightTransfer.Item(name: wider, shape: [4, 4, 3, 3])))
        let all = trainer.network.store.parameters.count
        #expect(transfer.taken.count + transfer.new.count == all)
        let origin = try #require(trainer.state.origin)
        #expect(origin.taken == transfer.taken.count && origin.new == transfer.new.count)
        #expect(origin.left == transfer.left.count)
        #expect(origin.epochs == 1)
    }

    @Test func `modes are fitted to real weights that become latent ones`() throws {
        let path = folder.path + "/real"
        try train(
            smallConfiguration {
                $0.schedule.epochs = 1
                $0.model.method.value = FullPrecision()
            }, in: path)
        let real = StartingPoint(try Checkpoint(path: path + "/last.safetensors"), path: "real")
        let trainer = try trainer(from: real, "run")
        let deployed = real.checkpoint.deployedTensors
        #expect(trainer.network.quantizedLayers.count == 18)
        for layer in trainer.network.quantizedLayers {
            #expect(
                try layer.latent.tensor.detached().bytes()
                    == deployed[Name(layer.latent.name)]?.bytes)
            let kernel = try #require(layer.quantizer as? BONNKernel)
            let moments = try BONNKernel.moments(layer.latent.tensor)
            #expect(try kernel.mu.tensor.detached().bytes() == moments.mean.bytes())
            #expect(try kernel.sigma.tensor.detached().bytes() == moments.deviation.bytes())
        }
        let new = try #require(trainer.current.transfer).new.map(\.name)
        #expect(new.contains("stages.0.0.0.convolution.w"))
    }

    @Test func `a network without any tensor that fits is refused in one line`() throws {
        var source = try source()
        var checkpoint = source.checkpoint
        checkpoint.tensors = checkpoint.tensors.filter { $0.key.text.contains("head") }
        source = StartingPoint(checkpoint, path: "best")
        var other = ColourDataset(count: 48, stream: 1)
        other.classNames = ["a", "b"]
        let splits = DatasetSplits(kind: .synthetic, train: other, test: other)
        let found = message { _ = try trainer(from: source, "run", splits: splits) }
        #expect(found?.hasPrefix("best: none of its 2 tensors fits the network") == true)
        #expect(found?.contains("\n") == false)
    }

    @Test func `the weights are saved before the first step and before the recipe`() throws {
        let source = try source()
        let path = folder.path + "/run"
        func run(stopAfter steps: Int = .max) throws {
            let stop = StopRequest()
            var saves = 0
            let trainer = try Trainer(
                configuration: smallConfiguration(), splits: ColourDataset.splits(),
                directory: RunDirectory(path), startingFrom: source,
                observers: [watch])
            func watch(_ event: TrainingEvent, _ run: TrainingState) {
                switch event {
                case .saved(let file):
                    saves += 1
                    guard saves == 1 else { return }
                    let first = try? Checkpoint(path: file)
                    #expect(first?.state.epoch == 0 && first?.state.progress.steps == 0)
                    let taken = first?.networkTensors.mapValues(\.bytes)
                    #expect(taken == source.checkpoint.deployedTensors.mapValues(\.bytes))
                    let recipe = path + "/config.yaml"
                    #expect(!FileManager.default.fileExists(atPath: recipe))
                    if steps == 0 { stop.request() }
                default: break
                }
            }
            _ = try trainer.run(stop: stop)
        }
        try run()
        let reference = try RunResult(path)
        try FileManager.default.removeItem(atPath: path)
        try run(stopAfter: 0)
        try train(smallConfiguration(), in: path, resuming: true)
        let difference = try RunResult(path).difference(from: reference)
        #expect(difference == nil)
        #expect(reference.state.origin?.digest == source.checkpoint.weightsDigest.description)
    }

    @Test func `the command line lists what was taken, new and left, to people and to programs`()
        throws
    {
        let first = folder.path + "/first"
        let trained = try Tool(tinyRun(epochs: 1) + ["--output", first]).wait()
        try #require(trained.status == 0, "\(trained)")
        // Other widths in the last stage, so that the head does not fit either.
        let start = ["--set", "model.widths=[2, 2, 2, 4]", "--from", first + "/last.safetensors"]
        let told = try Tool(tinyRun(epochs: 1) + start + ["--output", folder.path + "/told"]).wait()
        #expect(told.status == 0, "\(told)")
        let lists = told.output.split(separator: "\n").map(String.init)
        let counts = try #require(
            lists.first { $0.hasPrefix("Weights of \(first)/last.safetensors: ") })
        #expect(lists.contains { $0.hasPrefix("  taken: stem.convolution.weight 2x3x3x3, ") })
        #expect(
            lists.contains { $0.hasPrefix("  new: ") }
                && lists.contains { $0.hasPrefix("  left: ") })
        let asked = try Tool(
            tinyRun(epochs: 1) + start + ["--output", folder.path + "/asked", "--json"]
        ).wait()
        let report =
            try JSONSerialization.jsonObject(with: Data(asked.output.utf8)) as? [String: Any]
        let weights = try #require(report?["weights"] as? [String: Any])
        func items(_ key: String) throws -> [[String: Any]] {
            try #require(weights[key] as? [[String: Any]])
        }
        let (taken, new, left) = (try items("taken"), try items("new"), try items("left"))
        #expect(
            counts.hasSuffix("\(taken.count) tensors taken, \(new.count) new, \(left.count) left."))
        let head = try #require(new.first { $0["name"] as? String == "head.weight" })
        #expect(head["shape"] as? [Int] == [10, 4])
        #expect(left.contains { $0["name"] as? String == "head.weight" })
        let digest = try Checkpoint(path: first + "/last.safetensors").weightsDigest.description
        #expect(weights["digest"] as? String == digest)
        let both = try Tool(tinyRun(epochs: 1) + start + ["--output", first, "--resume"]).wait()
        #expect(both.status == 64 && both.errors.contains("--from starts a new run"), "\(both)")
    }

    @Test func `a new run has the network of the checkpoint unless it is given another`() throws {
        var checkpoint = try source().checkpoint
        checkpoint.configuration.model.method = MethodConfiguration(
            BONN(latentStd: 0.25), weights: .real)
        let configuration = StartingPoint(checkpoint, path: "best").configuration
        #expect(configuration.model.widths == [2, 2, 4, 4])
        #expect(configuration.model.method == checkpoint.configuration.model.method)
        #expect(configuration.model.classes == 0 && configuration.model.inputChannels == 0)
        #expect(configuration.schedule == TrainingConfiguration().schedule)
    }
}
