import BONNData
import BONNMethods
import BONNModelFormat
import Foundation
import Testing

@testable import BONNTrainer

@Suite struct ResumeTests {
    private let folder = TemporaryFolder()

    @Test(arguments: OptimizerConfiguration.Name.allCases)
    func `a run that stops after any step and goes on ends with the same bits`(
        optimizer: OptimizerConfiguration.Name
    ) throws {
        let configuration = smallConfiguration { $0.optimizer.name = optimizer }
        let whole = folder.path + "/whole"
        let outcome = try train(configuration, in: whole)
        #expect(outcome.isFinished && outcome.epochs == 3 && outcome.metrics.count == 3)
        let reference = try RunResult(whole)
        // 9 steps; fine-tuning starts behind the third.
        for steps in optimizer == .adam ? Array(1...8) : [2, 5] {
            let path = folder.path + "/stopped-\(steps)"
            let stopped = try train(configuration, in: path, stopAfter: steps)
            #expect(!stopped.isFinished && stopped.epochs == steps / 3 - (steps % 3 == 0 ? 1 : 0))
            let resumed = try train(configuration, in: path, resuming: true)
            #expect(resumed.isFinished)
            let result = try RunResult(path)
            let difference = result.difference(from: reference)
            #expect(difference == nil, "stopped after \(steps) steps")
        }
    }

    @Test func `a run that stops after every step and goes on ends with the same bits`() throws {
        let configuration = smallConfiguration()
        let whole = folder.path + "/whole"
        try train(configuration, in: whole)
        let path = folder.path + "/stepwise"
        var outcome = try train(configuration, in: path, stopAfter: 1)
        var runs = 1
        while !outcome.isFinished && runs < 20 {
            outcome = try train(configuration, in: path, resuming: true, stopAfter: 1)
            runs += 1
        }
        #expect(outcome.isFinished)
        let difference = try RunResult(path).difference(from: RunResult(whole))
        #expect(difference == nil)
    }

    @Test func `a run that a full disk ends is consistent and goes on with the same bits`() throws {
        let configuration = smallConfiguration()
        let whole = folder.path + "/whole"
        try train(configuration, in: whole)
        guard let disk = SmallDisk() else { return }
        let path = disk.path + "/run"
        var fillings = 0
        let error = #expect(throws: TrainingError.self) {
            try train(configuration, in: path) { event in
                guard case .epoch(let row) = event, row.epoch == 2 else { return }
                fillings += disk.fill() ? 1 : 0
            }
        }
        #expect(fillings == 1)
        #expect(error?.code == .diskFull && error?.message.contains("saved before is kept") == true)
        let checkpoint = try Checkpoint(path: path + "/last.safetensors")
        #expect(checkpoint.state.epoch == 2 && checkpoint.state.metrics.count == 2)
        let table = try String(contentsOfFile: path + "/metrics.csv", encoding: .utf8)
        #expect(table == MetricsTable.metrics(checkpoint.state.metrics))
        try disk.empty()
        try train(configuration, in: path, resuming: true)
        let difference = try RunResult(path).difference(from: RunResult(whole))
        #expect(difference == nil)
    }

    @Test func `no checkpoint speaks of a best one that is not written yet`() throws {
        let configuration = smallConfiguration()
        var best: [Int] = []
        try train(configuration, in: folder.path) { event in
            guard case .saved(let path) = event,
                let promised = try? Checkpoint(path: path).state.bestEpoch
            else { return }
            best.append(promised)
            let found = try? Checkpoint(path: self.folder.path + "/best.safetensors").state.epoch
            #expect(found == promised)
        }
        #expect(best.count == 3)
    }

    @Test func `observers are told of a save when the tables are written`() throws {
        var tables: [String] = []
        let path = folder.path + "/run"
        func observe(_ event: TrainingEvent, _ run: TrainingState) throws {
            guard case .saved(let file) = event else { return }
            let table = try String(contentsOfFile: path + "/metrics.csv", encoding: .utf8)
            #expect(table == MetricsTable.metrics(run.metrics, terms: run.progress.losses.names))
            #expect(try Checkpoint(path: file).state == run)
            tables.append(table)
        }
        func trainer(_ observers: [TrainingObserver]) throws -> Trainer {
            try Trainer(
                configuration: smallConfiguration(), splits: ColourDataset.splits(),
                directory: RunDirectory(path), observers: observers)
        }
        _ = try trainer([observe]).run()
        #expect(tables.count == 3 && Set(tables).count == 3)
        // What an observer throws ends the run behind the save.
        try FileManager.default.removeItem(atPath: path)
        struct Full: Error, CustomStringConvertible { let description = "full" }
        let found = message {
            _ = try trainer([{ event, _ in if case .saved = event { throw Full() } }]).run()
        }
        #expect(found == "full")
        #expect(try Checkpoint(path: path + "/last.safetensors").state.epoch == 1)
    }

    @Test func `the seed decides the result and the number of workers does not`() throws {
        func result(_ name: String, seed: Int = 1, workers: Int = 1) throws -> RunResult {
            let path = folder.path + "/" + name
            try train(
                smallConfiguration {
                    $0.run.seed = seed
                    $0.data.workers = workers
                    $0.schedule.epochs = 1
                }, in: path)
            return try RunResult(path)
        }
        let reference = try result("a")
        #expect(try result("b", workers: 3).tensors == reference.tensors)
        #expect(try result("c", seed: 2).tensors != reference.tensors)
    }

    @Test func `a checkpoint of another run or of other data is refused by name`() throws {
        let path = folder.path + "/run"
        try train(smallConfiguration { $0.schedule.epochs = 1 }, in: path)
        func refusal(
            splits: DatasetSplits = ColourDataset.splits(),
            _ change: (inout TrainingConfiguration) -> Void = { _ in }
        ) -> String {
            let configuration = smallConfiguration {
                $0.schedule.epochs = 1
                change(&$0)
            }
            return message {
                try train(configuration, in: path, resuming: true, splits: splits)
            } ?? "nothing thrown"
        }
        #expect(refusal { $0.model.widths = [2, 2, 2, 2] }.contains("model.widths = [2, 2, 4, 4]"))
        #expect(
            refusal { $0.losses[KernelLossSettings.self].lambda = 0.5 }.contains(
                "losses.kernel = 0.0001, not 0.5"))
        #expect(
            refusal(splits: ColourDataset.splits(train: 47)).contains("the data given now: "))
        #expect(refusal { $0.data.workers = 2 } == "nothing thrown")
    }

    @Test func `images that were renamed or replaced since are noticed, and moved ones are not`()
        throws
    {
        let data = folder.path + "/data"
        let files = FileManager.default
        let converted = try Tool.run(
            "data", "convert", "synthetic:40", "--to", "images", "--output", data)
        try #require(converted.status == 0, "\(converted)")
        let path = folder.path + "/run"
        func opened(_ folder: String) throws -> DatasetSplits { try DatasetSplits.open(folder) }
        let configuration = smallConfiguration { $0.schedule.epochs = 1 }
        func refusal(_ folder: String) -> String {
            message {
                try train(configuration, in: path, resuming: true, splits: opened(folder))
            } ?? "nothing thrown"
        }
        try train(configuration, in: path, splits: opened(data))
        #expect(refusal(data) == "nothing thrown")
        let moved = folder.path + "/moved"
        try files.moveItem(atPath: data, toPath: moved)
        #expect(refusal(moved) == "nothing thrown")
        let classes = try files.contentsOfDirectory(atPath: moved + "/train").sorted()
        let first = moved + "/train/" + classes[0]
        let image = try #require(try files.contentsOfDirectory(atPath: first).sorted().first)
        try files.moveItem(atPath: first + "/" + image, toPath: first + "/0-" + image)
        #expect(refusal(moved).contains("other training images: a label, a name or a size differs"))
        try files.moveItem(atPath: first + "/0-" + image, toPath: first + "/" + image)
        #expect(refusal(moved) == "nothing thrown")
        let other = moved + "/test/" + classes[0]
        let replaced = try #require(try files.contentsOfDirectory(atPath: other).sorted().first)
        let bytes = try File.bytes(of: other + "/" + replaced)
        try File.replace(other + "/" + replaced, with: bytes + [0])
        #expect(refusal(moved).contains("other test images"))
        try File.replace(other + "/" + replaced, with: bytes)
        // A checkpoint that does not say is gone on with, and says so from then on.
        var old = try Checkpoint(path: path + "/last.safetensors")
        let digest = try #require(old.state.dataset.trainDigest)
        old.state.dataset.trainDigest = nil
        old.state.dataset.testDigest = nil
        old.configuration.schedule.epochs = 2
        try old.write(to: path + "/last.safetensors")
        try train(old.configuration, in: path, resuming: true, splits: opened(moved))
        let new = try Checkpoint(path: path + "/last.safetensors")
        #expect(new.state.epoch == 2 && new.state.dataset.trainDigest == digest)
    }

    @Test func `tensors that do not fit the network are refused by name`() throws {
        let path = folder.path + "/run"
        try train(smallConfiguration { $0.schedule.epochs = 1 }, in: path)
        let file = path + "/last.safetensors"
        let checkpoint = try Checkpoint(path: file)
        func refusal(_ change: (inout Checkpoint) -> Void) throws -> String {
            var changed = checkpoint
            change(&changed)
            return message { _ = try changed.network(source: "c") } ?? "nothing thrown"
        }
        #expect(try refusal { _ in } == "nothing thrown")
        #expect(
            try refusal { $0.configuration.model.widths = [2, 2, 4, 8] }
                .hasSuffix("expected [8, 4, 3, 3]; it belongs to another network"))
        #expect(
            try refusal { $0.configuration.model.network = "wrn40" }
                .contains("is missing; it belongs to another network"))
        #expect(
            try refusal { $0.configuration.model.method.value = FullPrecision() }
                .contains("which this network does not have"))
        #expect(try refusal { $0.configuration.model.widths = [1] }.contains("model.widths"))
        let optimiserState = try #require(
            checkpoint.tensors.keys.first { $0.text.hasPrefix("optimizer/") })
        var damaged = checkpoint
        damaged.tensors[optimiserState] = nil
        try damaged.write(to: file)
        let found = message {
            try train(smallConfiguration { $0.schedule.epochs = 1 }, in: path, resuming: true)
        }
        #expect(found?.contains("is missing") == true, "\(found ?? "nothing thrown")")
    }
}
