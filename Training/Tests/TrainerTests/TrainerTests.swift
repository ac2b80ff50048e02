import BONNData
import BONNMethods
import BONNNetworks
import Foundation
import Testing
import Torch

@testable import BONNTrainer

@Suite struct TrainerTests {
    private let folder = TemporaryFolder()

    @Test(arguments: Methods.names)
    func `a small network learns the colours`(method: String) throws {
        let configuration = smallConfiguration {
            $0.model.method.value = BONN()
            $0.model.method.name = method
            // A hardtanh behind each of 18 sums lets little gradient pass in so few steps.
            let isFlat = [IRNet.card.name, ReCU.card.name].contains(method)
            $0.model.network = isFlat ? "vgg-small" : "wrn22"
            $0.model.widths = isFlat ? [4, 8, 8] : [4, 4, 8, 8]
            // RBCN learns a real network and what tells the two apart in the same steps.
            $0.schedule.epochs = method == RBCN.card.name ? 12 : 6
            $0.run.emaDecay = 0
        }
        let outcome = try train(
            configuration, in: folder.path, splits: ColourDataset.splits(train: 96, test: 48))
        // Three colours; the steps are few, and those of the paper's rates of BONN.
        let bar = [BONN.card.name, FullPrecision.card.name].contains(method) ? 0.8 : 0.6
        let last = try #require(outcome.metrics.last)
        // ADMM brings levels and weights together in hundreds of steps; until then only the weights have learned.
        let reached = method == ELQ.card.name ? last.trainTop1 : try #require(outcome.bestTop1)
        #expect(reached > bar, "\(outcome.metrics.map(\.testTop1))")
        #expect(abs(last.trainLoss - last.losses.total) < 1e-9)
        let haveModes = [BONN.card.name, ModernBONN.card.name]
        #expect((last.losses["kernel_loss"] != 0) == haveModes.contains(method))
        #expect(outcome.metrics[0].losses["feature_loss"] == 0 && last.losses["feature_loss"] != 0)
    }

    @Test func `a saved network measures as it did in training`() throws {
        let configuration = smallConfiguration { $0.schedule.epochs = 2 }
        let outcome = try train(configuration, in: folder.path)
        let path = folder.path + "/last.safetensors"
        let checkpoint = try Checkpoint(path: path)
        let splits = ColourDataset.splits()
        for (workers, batchSize) in [(1, 16), (3, 16), (2, 5)] {
            var evaluator = Evaluator(checkpoint.configuration)
            evaluator.workers = workers
            evaluator.batchSize = batchSize
            let result = try #require(
                try evaluator.measure(
                    try checkpoint.network(source: path), on: splits.test, device: .cpu))
            let row = try #require(outcome.metrics.last)
            #expect(result.images == 24 && result.top1 == row.testTop1 && result.top5 == 1)
            #expect(abs(result.loss - (row.testLoss ?? 0)) < 1e-5)
            let right = (0..<3).reduce(0) { $0 + result.confusion[$1, $1] }
            #expect(Double(right) / 24 == result.top1)
            #expect(result.confusion.counts.reduce(0, +) == 24)
        }
    }

    @Test func `a run directory holds what the documentation says`() throws {
        try train(smallConfiguration { $0.schedule.epochs = 2 }, in: folder.path)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(
            names == [
                ".lock", "best.safetensors", "config.yaml", "last.safetensors", "layers.csv",
                "metrics.csv",
            ])
        let stored = try Recipe.read(path: folder.path + "/config.yaml")
        let checkpoint = try Checkpoint(path: folder.path + "/last.safetensors")
        #expect(stored == checkpoint.configuration)
        #expect(stored.model.classes == 3 && stored.augmentation.mean.count == 3)
        // 18 layers, at the start and after 2 epochs.
        #expect(checkpoint.state.layers.count == 18 * 3)
        for row in checkpoint.state.layers {
            #expect(row.meanAbsolute > 0 && (row["mu"] ?? 0) > 0 && (row["sigma"] ?? 0) > 0)
            #expect((0...1).contains(row.flipRatio) && (0...1).contains(row.nearZero))
            #expect(row.epoch > 0 || row.flipRatio == 0)
        }
        #expect(checkpoint.state.layers.contains { $0.flipRatio > 0 })
    }

    @Test func `layer statistics are those of the weights`() throws {
        let network = try Network(
            NetworkConfiguration(network: "wrn22", widths: [2, 2, 4, 4]), seed: 3)
        let layer = try #require(network.quantizedLayers.first)
        let observer = try LayerObserver([layer])
        var values = try layer.latent.tensor.detached().floats()
        let flipped = [0, 5, 7]
        for index in flipped { values[index] = -values[index] }
        try withoutGradient { () throws(TorchError) in
            try layer.latent.tensor.copy_(from: Tensor(values, shape: layer.latent.tensor.shape))
        }
        let row = try #require(try observer.statistics(epoch: 1).first)
        let count = Double(values.count)
        #expect(row.flipRatio == 3 / count)
        let mean = values.reduce(0) { $0 + Double(abs($1)) } / count
        #expect(abs(row.meanAbsolute - mean) < 1e-9)
        let mu = try #require(layer.quantizer as? BONNKernel).mu.tensor.detached().floats()
        let perKernel = values.count / mu.count
        let near = values.indices.filter { abs(values[$0]) < abs(mu[$0 / perKernel]) * 0.5 }
        #expect(row.nearZero == Double(near.count) / count)
        #expect(abs((row["mu"] ?? 0) - mu.reduce(0) { $0 + Double($1) } / Double(mu.count)) < 1e-9)
    }

    @Test func `moving averages follow their recurrence and are what is evaluated`() throws {
        let network = try Network(
            NetworkConfiguration(network: "wrn22", widths: [2, 2, 2, 2]), seed: 3)
        let bias = try #require(network.store["head.bias"])
        let averages = try ExponentialMovingAverage(network.store.parameters, decay: 0.5)
        var expected = Double(try bias.tensor.detached().floats()[0])
        for step in 0..<20 {
            let value = Double(step * step)
            try withoutGradient { () throws(TorchError) in try bias.tensor.fill_(value) }
            try averages.update(step: step)
            let decay = min(0.5, Double(1 + step) / Double(10 + step))
            expected += (1 - decay) * (value - expected)
        }
        let inside = try averages.withAverages { try bias.tensor.detached().floats()[0] }
        #expect(abs(Double(inside) - expected) < 1e-3)
        #expect(try bias.tensor.detached().floats()[0] == 361)
        struct Failure: Error {}
        #expect(throws: Failure.self) { try averages.withAverages { throw Failure() } }
        #expect(try bias.tensor.detached().floats()[0] == 361)
    }

    @Test func `roles decide learning rate and weight decay`() {
        var optimizer = OptimizerConfiguration()
        optimizer.learningRate = 0.1
        optimizer.scaleLearningRate = 0.01
        optimizer.latentLearningRate = 0.02
        optimizer.weightDecay = 0.5
        let roles: [ParameterRole] = [
            .weight, .latent, .batchNorm, .prelu, .bias, .shift, .gain, .buffer, .scale, .mu,
            .sigma, .featureVariance,
        ]
        for role in roles {
            let rate = optimizer.learningRate(of: role)
            switch role {
            case .scale, .sigma: #expect(rate == 0.01)
            case .latent, .mu: #expect(rate == 0.02)
            default: #expect(rate == 0.1)
            }
        }
        func decaying(pulled: Bool) -> Set<ParameterRole> {
            Set(
                roles.filter {
                    optimizer.weightDecay(of: $0, latentsArePulled: pulled) == 0.5
                })
        }
        #expect(decaying(pulled: true) == [.weight, .batchNorm, .prelu, .bias, .gain])
        #expect(
            decaying(pulled: false) == [.weight, .batchNorm, .prelu, .bias, .gain, .latent])
        optimizer.decayNorms = false
        optimizer.decayLatentWeights = .on
        #expect(decaying(pulled: true) == [.weight, .latent])
        optimizer.decayLatentWeights = .off
        #expect(decaying(pulled: false) == [.weight])
    }
}
