import BONNData
import BONNImage
import BONNModelFormat
import Foundation
import Testing
import Torch

@testable import BONNTrainer

@Suite struct LoaderTests {
    private static func transform(
        epoch: Int, seed: Int = 5, crop: AugmentationConfiguration.Crop = .pad
    ) -> TrainingTransform {
        var augmentation = AugmentationConfiguration()
        augmentation.crop = crop
        augmentation.padding = 2
        return TrainingTransform(
            augmentation: augmentation,
            preprocessing: Preprocessing(
                width: 8, height: 8, resize: .shorterSide(8), channels: .rgb,
                mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]), seed: seed, epoch: epoch)
    }

    private func load(
        _ dataset: CountingDataset, epoch: Int = 0, seed: Int = 5, workers: Int = 1,
        queue: Int = 3, skipBroken: Bool = false
    ) throws -> [Batch] {
        let loader = BatchLoader(
            dataset: dataset,
            batches: SampleOrder.training(
                count: dataset.count, batchSize: 7, dropLast: false, seed: seed, epoch: epoch),
            transform: Self.transform(epoch: epoch, seed: seed), workers: workers, queue: queue,
            skipBroken: skipBroken)
        var batches: [Batch] = []
        while let batch = try loader.next() { batches.append(batch) }
        return batches
    }

    @Test func `batches are the same for 1, 2 and 4 workers, however long an image takes`() throws {
        var dataset = CountingDataset(count: 60)
        let reference = try load(dataset)
        dataset.delay = { index in Double((index * 7919) % 5) * 0.0005 }
        for (workers, queue) in [(1, 1), (2, 2), (2, 8), (4, 4), (4, 9), (9, 3)] {
            #expect(try load(dataset, workers: workers, queue: queue) == reference)
        }
    }

    @Test func `an epoch visits every image exactly once, in an order of its own`() throws {
        let orders = try (0..<3).map { epoch in
            try load(CountingDataset(count: 60), epoch: epoch, workers: 2).flatMap(\.indices)
        }
        for order in orders { #expect(order.sorted() == Array(0..<60)) }
        #expect(Set(orders).count == 3)
        #expect(try load(CountingDataset(count: 60), seed: 6).flatMap(\.indices) != orders[0])
        #expect(
            try load(CountingDataset(count: 60)).map(\.shape[0]) == [7, 7, 7, 7, 7, 7, 7, 7, 4])
    }

    @Test func `a last batch that is not full can be left out, but never the only one`() {
        func sizes(_ count: Int) -> [Int] {
            SampleOrder.training(count: count, batchSize: 4, dropLast: true, seed: 1, epoch: 0)
                .map(\.count)
        }
        #expect(sizes(10) == [4, 4] && sizes(8) == [4, 4] && sizes(3) == [3])
    }

    @Test func `labels and pixels belong to their image`() throws {
        let dataset = CountingDataset(count: 20)
        let transform = EvaluationTransform(preprocessing: Self.transform(epoch: 0).preprocessing)
        let loader = BatchLoader(
            dataset: dataset, batches: SampleOrder.evaluation(count: 20, batchSize: 6),
            transform: transform, workers: 3)
        var index = 0
        while let batch = try loader.next() {
            for (row, label) in batch.labels.enumerated() {
                #expect(batch.indices[row] == index && label == Int64(index % 3))
                let pixels = try dataset.image(at: index).pixels
                for channel in 0..<3 {
                    for position in 0..<64 {
                        let value = batch.images[row * 192 + position * 3 + channel]
                        let expected = (Float(pixels[position * 3 + channel]) / 255 - 0.5) / 0.25
                        #expect(abs(value - expected) < 1e-5)
                    }
                }
                index += 1
            }
        }
        #expect(index == 20)
    }

    @Test(arguments: [Preprocessing.Channels.rgb, .gray])
    func `a batch is laid out once, with the numbers that deployment reads`(
        channels: Preprocessing.Channels
    ) throws {
        let count = channels == .rgb ? 3 : 1
        let dataset = CountingDataset(count: 5)
        let rule = Preprocessing(
            width: 6, height: 8, resize: .stretch, channels: channels,
            mean: Array([0.485, 0.456, 0.406].prefix(count)),
            std: Array([0.229, 0.224, 0.225].prefix(count)))
        let loader = BatchLoader(
            dataset: dataset, batches: [[3, 0, 4]],
            transform: EvaluationTransform(preprocessing: rule))
        let tensor = try #require(try loader.next()).tensor()
        #expect(tensor.shape == [3, count, 8, 6])
        let planes = try [3, 0, 4].flatMap { try rule.input(dataset.image(at: $0)) }
        #expect(try tensor.floats().map(\.bitPattern) == planes.map(\.bitPattern))
        // What the network makes of it shares its memory: there is nothing to lay out any more.
        let input = try tensor.contiguous(channelsLast: true)
        try withoutGradient { () throws(TorchError) in try input.fill_(7) }
        #expect(try tensor.floats().allSatisfy { $0 == 7 })
    }

    @Test(arguments: [1, 2, 4])
    func `an unreadable image surfaces in its turn, with its name`(workers: Int) throws {
        let order = SampleOrder.training(
            count: 60, batchSize: 7, dropLast: false, seed: 5, epoch: 0)
        let loader = BatchLoader(
            dataset: CountingDataset(count: 60, broken: [order[3][2], order[5][0]]), batches: order,
            transform: Self.transform(epoch: 0), workers: workers, queue: 8)
        for expected in order[..<3] { #expect(try loader.next()?.indices == expected) }
        let found = message { _ = try loader.next() }
        #expect(found == "counting/\(order[3][2]).png: not a PNG file")
        #expect(try loader.next() == nil)
    }

    @Test(arguments: [1, 3])
    func `broken images can be left out and are listed, the others unchanged`(
        workers: Int
    ) throws {
        let whole = try load(CountingDataset(count: 60))
        let broken: Set<Int> = [3, 17, whole[4].indices[0]]
        let found = try load(
            CountingDataset(count: 60, broken: broken), workers: workers, skipBroken: true)
        #expect(found.reduce(0) { $0 + $1.skipped.count } == broken.count)
        for (batch, full) in zip(found, whole) {
            let kept = full.indices.indices.filter { !broken.contains(full.indices[$0]) }
            #expect(batch.indices == kept.map { full.indices[$0] })
            #expect(batch.labels == kept.map { full.labels[$0] })
            #expect(batch.images == kept.flatMap { Array(full.images[$0 * 192..<($0 + 1) * 192]) })
            #expect(batch.shape == [kept.count, 8, 8, 3])
        }
    }

    @Test func `an abandoned loader ends its threads`() throws {
        for queue in [1, 2, 6] {
            var dataset = CountingDataset(count: 400)
            dataset.delay = { _ in 0.0002 }
            let loader = BatchLoader(
                dataset: dataset, batches: SampleOrder.evaluation(count: 400, batchSize: 10),
                transform: Self.transform(epoch: 0), workers: 3, queue: queue)
            _ = try loader.next()
            loader.stop()
            #expect(try loader.next() == nil)
        }
    }
}
