import BONNData
import BONNMethods
import BONNModelFormat
import BONNNetworks
import Foundation
import Testing
import Torch

@testable import BONNTrainer

/// Batch norms whose statistics are measured before each measurement (`run.norm_images`).
@Suite struct NormMeasurementTests {
    private let folder = TemporaryFolder()

    private func configuration(
        images: Int, averaging: Double = 0.9, dropout: Double = 0
    ) -> TrainingConfiguration {
        smallConfiguration {
            $0.model.method.value = BONN(block: BONNBlock(dropout: dropout))
            $0.run.emaDecay = averaging
            $0.run.normImages = images
        }
    }

    /// 20 images are two batches of 16, of the 48 of the last epoch.
    @Test(arguments: [0, 0.9])
    func `statistics are the means over batches of training images`(averaging: Double) throws {
        let configuration = configuration(images: 20, averaging: averaging)
        try train(configuration, in: folder.path)
        let path = folder.path + "/last.safetensors"
        let checkpoint = try Checkpoint(path: path)
        let network = try checkpoint.network(on: .cpu, source: path)
        let statistics = network.store.parameters.filter { $0.name.contains("running_") }
        try #require(statistics.count > 10)
        let found = try statistics.map { try $0.tensor.to(.float64).doubles() }

        let splits = ColourDataset.splits()
        let order = SampleOrder.training(
            count: 48, batchSize: 16, dropLast: true, seed: configuration.run.seed, epoch: 2)
        let loader = BatchLoader(
            dataset: splits.train, batches: Array(order.prefix(2)),
            transform: TrainingTransform(
                augmentation: checkpoint.recipe.augmentation,
                preprocessing: checkpoint.recipe.preprocessing, seed: configuration.run.seed,
                epoch: 2))
        var sums = found.map { $0.map { _ in 0.0 } }
        var batches = 0.0
        while let batch = try loader.next() {
            var pass = Pass(.training)
            pass.normMomentum = 1
            _ = try network(batch.tensor(on: .cpu), pass)
            for (index, parameter) in statistics.enumerated() {
                let values = try parameter.tensor.to(.float64).doubles()
                sums[index] = zip(sums[index], values).map { $0 + $1 }
            }
            batches += 1
        }
        #expect(batches == 2)
        for ((parameter, values), sum) in zip(zip(statistics, found), sums) {
            let expected = sum.map { $0 / batches }
            let largest = expected.map(abs).max() ?? 0
            #expect(
                zip(values, expected).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, largest) },
                "\(parameter.name)")
        }
    }

    @Test func `what is trained is the same with and without`() throws {
        for images in [0, .max] {
            try train(
                configuration(images: images, dropout: 0.1), in: folder.path + "/\(images)")
        }
        let (without, with) = (
            try RunResult(folder.path + "/0"), try RunResult(folder.path + "/\(Int.max)")
        )
        let differing = without.tensors.filter { $0.value != with.tensors[$0.key] }.map(\.key)
        #expect(!differing.isEmpty && differing.allSatisfy { $0.text.contains("running_") })
    }

    @Test func `a run that stops and goes on ends with the same bits`() throws {
        let configuration = configuration(images: 32, dropout: 0.1)
        try train(configuration, in: folder.path + "/whole")
        let whole = try RunResult(folder.path + "/whole")
        for steps in [2, 3, 7] {
            let path = folder.path + "/stopped-\(steps)"
            try train(configuration, in: path, stopAfter: steps)
            try train(configuration, in: path, resuming: true)
            let difference = try RunResult(path).difference(from: whole)
            #expect(difference == nil, "stopped after \(steps) steps")
        }
    }
}
