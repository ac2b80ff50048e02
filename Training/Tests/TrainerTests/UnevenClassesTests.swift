import BONNConfiguration
import BONNData
import BONNImage
import BONNMethods
import BONNModelFormat
import BONNNetworks
import Foundation
import Testing
import Torch

@testable import BONNTrainer

/// Classes with very different numbers of images: weights in the loss, and a balanced sampler.
@Suite struct UnevenClassesTests {
    /// Colours, most of which are red and few of which are blue.
    struct UnevenDataset: ImageDataset {
        var labels: [Int]
        var classNames = ColourDataset(count: 0, stream: 0).classNames
        var name: String { "uneven" }
        var count: Int { labels.count }
        var channels: Int { 3 }
        var imageSize: (width: Int, height: Int)? { (8, 8) }

        func label(at index: Int) -> Int { labels[index] }
        func identifier(at index: Int) -> String { "uneven/\(index)" }
        func image(at index: Int) throws(DataError) -> PixelBuffer {
            try ColourDataset(count: 3, stream: UInt64(index)).image(at: labels[index])
        }

        static let labels = (0..<40).map { $0 < 30 ? 0 : $0 < 37 ? 1 : 2 }
        static var splits: DatasetSplits {
            DatasetSplits(
                kind: .synthetic, train: UnevenDataset(labels: labels),
                test: ColourDataset(count: 12, stream: 2))
        }
    }

    private let folder = TemporaryFolder()

    private func order(_ labels: [Int], seed: Int = 1, epoch: Int = 0) -> [Int] {
        SampleOrder.training(
            count: labels.count, balancing: labels, batchSize: 7, dropLast: false, seed: seed,
            epoch: epoch
        ).flatMap(\.self)
    }

    @Test func `a balanced epoch has as many images, and every class equally often`() {
        let labels = UnevenDataset.labels
        var extra = Set<Int>()
        for epoch in 0..<20 {
            let order = order(labels, epoch: epoch)
            #expect(order.count == 40)
            let counts = (0..<3).map { label in order.count { labels[$0] == label } }
            #expect(counts.sorted() == [13, 13, 14])
            extra.insert(counts.firstIndex(of: 14) ?? -1)
            // No image a third time before every other of its class came twice.
            let uses = (0..<40).map { index in order.count { $0 == index } }
            #expect(uses[..<30].max() == 1)
            #expect(uses[30..<37].allSatisfy { (1...2).contains($0) })
            #expect(uses[37...].allSatisfy { (4...5).contains($0) })
        }
        #expect(extra == [0, 1, 2])
    }

    @Test func `a balanced order depends on the seed and the epoch alone`() {
        let labels = UnevenDataset.labels
        #expect(order(labels) == order(labels))
        #expect(order(labels) != order(labels, epoch: 1))
        #expect(order(labels) != order(labels, seed: 2))
        // All images have their turn over the epochs.
        let seen = Set((0..<12).flatMap { order(labels, epoch: $0) })
        #expect(seen == Set(0..<40))
    }

    @Test func `classes without images have no share`() {
        let labels = [0, 0, 0, 5, 5, 0]
        let order = order(labels)
        #expect(order.count == 6 && order.count { labels[$0] == 5 } == 3)
        #expect(self.order([]) == [])
    }

    @Test func `balanced weights are N over K times n`() throws {
        let weights = try #require(ClassWeights.balanced.values(forCounts: [30, 7, 3]))
        for (weight, count) in zip(weights, [30.0, 7, 3]) {
            #expect(abs(weight - 40 / (3 * count)) < 1e-15)
        }
        #expect(ClassWeights.none.values(forCounts: [30, 7]) == nil)
        #expect(ClassWeights.given([1, 2]).values(forCounts: [30, 7]) == [1, 2])
    }

    @Test(arguments: [
        ("none", ClassWeights.none), ("balanced", .balanced), ("[1, 2.5]", .given([1, 2.5])),
        ("1,2.5", .given([1, 2.5])), ("3", .given([3])),
    ])
    func `weights are read, and written so that they are read again`(
        text: String, weights: ClassWeights
    ) throws {
        var configuration = TrainingConfiguration()
        try Recipe.apply([("losses.class_weights", text, "x")], to: &configuration)
        #expect(configuration.losses.classification.classWeights == weights)
        let again = try Recipe.read(yaml: Recipe.yaml(configuration), source: "x")
        #expect(again.losses.classification.classWeights == weights)
    }

    @Test(arguments: ["balance", "[]", "[1, 0]", "[1, x]", "[1, -1]", "[1, inf]", "null"])
    func `what are no weights is refused`(text: String) {
        let found = message {
            var configuration = TrainingConfiguration()
            try Recipe.apply([("losses.class_weights", text, "x")], to: &configuration)
        }
        #expect(found?.contains("losses.class_weights is ") == true, "\(found ?? "accepted")")
    }

    @Test func `weights that do not fit the classes are refused before training`() {
        func refusal(_ weights: ClassWeights, _ labels: [Int]) -> String? {
            let dataset = UnevenDataset(labels: labels)
            let splits = DatasetSplits(kind: .synthetic, train: dataset, test: dataset)
            var configuration = TrainingConfiguration()
            configuration.losses.classification.classWeights = weights
            return message { _ = try configuration.resolved(for: splits) }
        }
        #expect(
            refusal(.given([1, 2]), [0, 1, 2])
                == "losses.class_weights has 2 numbers, expected 3, one for each class of uneven")
        #expect(
            refusal(.balanced, [0, 0, 2])
                == "losses.class_weights is balanced, but no training image of uneven is of class "
                + "'green'; give the weights as a list, or none")
        #expect(refusal(.balanced, [0, 1, 2]) == nil)
    }

    @Test func `a step minimises the weighted mean, and its gradient is weighted`() throws {
        let model = NetworkConfiguration(network: "wrn22", widths: [2, 2, 4, 4], classes: 3)
        let images = try Generator(seed: 8).normal([4, 3, 8, 8])
        let labels = try Tensor(int64s: [0, 2, 2, 1], shape: [4])
        let weights = [0.5, 3, 2]
        var losses = LossConfiguration()
        losses.classification.labelSmoothing = 0.1
        let network = try Network(model, seed: 9)
        let step = try TrainingStep(
            network, losses: losses, classWeights: weights, optimizer: OptimizerConfiguration(),
            device: .cpu)
        let result = try step(
            images: images, labels: labels, factor: 0, progress: RunProgress(epoch: 0, epochs: 9))
        // The definition, in plain Swift: sum of w[y] (1 - e) l(y) + e / K sum over k of w[k] l(k), over
        // the sum of w[y].
        let logits = result.logits.map(Double.init)
        var sum = 0.0
        for (row, label) in [0, 2, 2, 1].enumerated() {
            let values = logits[row * 3..<row * 3 + 3].map { $0 }
            let total: Double = log(values.map { exp($0) }.reduce(0, +))
            let terms = (0..<3).map { weights[$0] * (total - values[$0]) }
            sum += 0.9 * terms[label] + 0.1 / 3 * terms.reduce(0, +)
        }
        let expected = sum / (0.5 + 2 + 2 + 3)
        #expect(try abs(#require(result.losses["cross_entropy"]) - expected) < 1e-5)
    }

    @Test(arguments: [DataConfiguration.Sampler.uniform, .balanced])
    func `a run with uneven classes goes on in bits after a stop within an epoch`(
        sampler: DataConfiguration.Sampler
    ) throws {
        let configuration = smallConfiguration {
            $0.data.sampler = sampler
            $0.losses.classification.classWeights = .balanced
        }
        let (whole, parts) = (folder.path + "/whole", folder.path + "/parts")
        try train(configuration, in: whole, splits: UnevenDataset.splits)
        for steps in [2, 3, 1] {
            try train(
                configuration, in: parts, resuming: steps != 2, stopAfter: steps,
                splits: UnevenDataset.splits)
        }
        try train(configuration, in: parts, resuming: true, splits: UnevenDataset.splits)
        let difference = try RunResult(parts).difference(from: RunResult(whole))
        #expect(difference == nil, "\(difference ?? "")")
        let other = smallConfiguration {
            $0.data.sampler = sampler == .uniform ? .balanced : .uniform
            $0.losses.classification.classWeights = .balanced
        }
        let found = message {
            try train(other, in: parts, resuming: true, splits: UnevenDataset.splits)
        }
        #expect(found?.contains("was trained with data.sampler = \(sampler)") == true)
    }
}
