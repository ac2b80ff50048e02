import BONNData
import BONNImage
import BONNMethods
import BONNModelFormat
import Foundation
import Testing
import Torch

@testable import BONNTrainer

/// What the best epoch is chosen on, and what is measured once.
@Suite struct SelectionTests {
    private let folder = TemporaryFolder()

    /// Training, validation and test images; the last two differ in number and pixels.
    private func splits(onTest: @escaping @Sendable () -> Void = {}) -> DatasetSplits {
        DatasetSplits(
            kind: .synthetic, train: ColourDataset(count: 48, stream: 1),
            validation: ColourDataset(count: 24, stream: 3),
            test: WatchedDataset(base: ColourDataset(count: 30, stream: 2), onRead: onTest))
    }

    @Test func `the best epoch is chosen on the validation images, and the test images serve once`()
        throws
    {
        let reads = Reads()
        let outcome = try train(
            smallConfiguration { $0.schedule.epochs = 4 }, in: folder.path,
            splits: splits { reads.count() })
        #expect(reads.number == 30)
        #expect(outcome.isFinished && outcome.selection == .validation)
        #expect(outcome.metrics.allSatisfy { $0.testTop1 == nil && $0.testLoss == nil })
        let shares = outcome.metrics.compactMap(\.validationTop1)
        #expect(shares.count == 4 && outcome.bestTop1 == shares.max())
        #expect(outcome.bestEpoch == shares.firstIndex(of: shares.max() ?? 0).map { $0 + 1 })
        let test = try #require(outcome.finalTest)
        #expect(test.epoch == outcome.bestEpoch && test.images == 30)
        // The number is that of the best checkpoint, measured by itself.
        let best = try Checkpoint(path: folder.path + "/best.safetensors")
        let alone = try #require(
            try Evaluator(best.configuration).measure(
                try best.network(source: "best"), on: ColourDataset(count: 30, stream: 2),
                device: .cpu))
        #expect(test.top1 == alone.top1 && test.top5 == alone.top5 && test.loss == alone.loss)
        let last = try Checkpoint(path: folder.path + "/last.safetensors")
        for state in [best.state, last.state] {
            #expect(state.selection == .validation && state.finalTest == test)
            #expect(state.dataset.validationImages == 24)
        }
        // Going on with a finished run measures nothing again.
        try train(
            last.configuration, in: folder.path, resuming: true, splits: splits { reads.count() })
        #expect(reads.number == 30)
        let table = try String(contentsOfFile: folder.path + "/metrics.csv", encoding: .utf8)
        let row = table.split(separator: "\n")[1]
            .split(separator: ",", omittingEmptySubsequences: false)
        #expect(row[7...9].allSatisfy(\.isEmpty) && row[10...12].allSatisfy { !$0.isEmpty })
    }

    @Test func `a stopped measurement is made up for when the run goes on`() throws {
        let whole = folder.path + "/whole"
        let configuration = smallConfiguration { $0.data.batchSize = 6 }
        try train(configuration, in: whole, splits: splits())
        let path = folder.path + "/stopped"
        func stopped() throws {
            let stop = StopRequest()
            let trainer = try Trainer(
                configuration: configuration, splits: splits { stop.request() },
                directory: RunDirectory(path))
            let outcome = try trainer.run(stop: stop)
            #expect(!outcome.isFinished && outcome.epochs == 3 && outcome.finalTest == nil)
        }
        try stopped()
        let resumed = try train(configuration, in: path, resuming: true, splits: splits())
        #expect(resumed.isFinished && resumed.finalTest != nil)
        let difference = try RunResult(path).difference(from: RunResult(whole))
        #expect(difference == nil)
    }

    @Test func `a longer run measures its own best epoch again`() throws {
        try train(smallConfiguration { $0.schedule.epochs = 1 }, in: folder.path, splits: splits())
        let outcome = try train(
            smallConfiguration { $0.schedule.epochs = 3 }, in: folder.path, resuming: true,
            splits: splits())
        #expect(outcome.finalTest?.epoch == outcome.bestEpoch)
    }

    @Test func `where there are only test images, the checkpoint says that they chose the best`()
        throws
    {
        let outcome = try train(
            smallConfiguration { $0.schedule.epochs = 1 }, in: folder.path)
        #expect(outcome.selection == .test && outcome.finalTest == nil && outcome.isFinished)
        #expect(outcome.metrics[0].testTop1 == outcome.bestTop1)
        #expect(outcome.metrics[0].validationTop1 == nil)
        let best = try Checkpoint(path: folder.path + "/best.safetensors")
        #expect(best.state.selection == .test)
    }

    @Test func `the command line and the model say what the best was chosen on`() throws {
        let run = folder.path + "/run"
        let trained = try Tool(tinyRun(epochs: 1) + ["--output", run]).wait()
        #expect(
            trained.output.contains(
                "which was chosen on these test images: others will show less."),
            "\(trained)")
        let model = folder.path + "/m.bonn"
        let exported = try Tool.run(
            "export", run + "/best.safetensors", "--output", model, "--images", "2")
        try #require(exported.status == 0, "\(exported)")
        let provenance = try ModelFile(bytes: File.bytes(of: model)).metadata.provenance
        #expect(provenance["best_selected_on"] == "test" && provenance["test_top1"] != nil)
    }
}

/// Another data set that tells when an image of it is read.
private struct WatchedDataset: WrappedDataset {
    let base: any ImageDataset
    let onRead: @Sendable () -> Void

    func image(at index: Int) throws(DataError) -> PixelBuffer {
        onRead()
        return try base.image(at: index)
    }
}

private final class Reads: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var number = 0

    func count() { lock.withLock { number += 1 } }
}
