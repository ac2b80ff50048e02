import BONNData
import BONNModelFormat
import Foundation
import Testing

@testable import BONNTrainer

/// Which images of a data set a run uses.
@Suite struct DataSelectionTests {
    private let folder = TemporaryFolder()

    private func splits(_ change: (inout TrainingConfiguration) -> Void) -> DatasetSplits {
        var configuration = TrainingConfiguration()
        change(&configuration)
        let sorted = UnevenClassesTests.UnevenDataset(labels: (0..<60).map { $0 / 20 })
        return DatasetSplits(kind: .imageFolder, train: sorted, test: sorted)
            .limited(by: configuration)
    }

    @Test func `a part of the images is spread over the classes by the seed`() {
        let first = splits { ($0.data.trainImages, $0.data.testImages) = (15, 6) }
        #expect(first.train.classCounts() == [5, 5, 5] && first.test.classCounts() == [2, 2, 2])
        func names(seed: Int) -> [String] {
            let train = splits { ($0.data.trainImages, $0.run.seed) = (15, seed) }.train
            return (0..<train.count).map { train.identifier(at: $0) }
        }
        #expect(names(seed: 1) == names(seed: 1) && names(seed: 1) != names(seed: 2))
        #expect(splits { _ in }.train.count == 60)
    }

    @Test func `the first images can still be asked for`() {
        let first = splits { ($0.data.trainImages, $0.data.subset) = (15, .first) }
        #expect(first.train.classCounts() == [15, 0, 0])
    }

    @Test func `a run that is older than a key goes on as it began`() throws {
        let state = try String(
            decoding: JSONEncoder().encode(TrainingState()), as: UTF8.self)
        let bytes = try Safetensors.write(
            metadata: [
                ("format", "bonn-checkpoint"), ("format_version", "1"),
                ("configuration", "run:\n  seed: 3\n"), ("state", state),
            ], tensors: [])
        try Data(bytes).write(to: URL(fileURLWithPath: folder.path + "/last.safetensors"))
        let directory = try RunDirectory(folder.path)
        let checkpoint = try Checkpoint(path: directory.lastPath)
        #expect(checkpoint.configuration.data.subset == .first)
        #expect(!checkpoint.configuration.data.exifOrientation)
        #expect(checkpoint.configuration.run.seed == 3)
        try FileManager.default.removeItem(atPath: directory.lastPath)
        try Data("run:\n  seed: 4\n".utf8).write(
            to: URL(fileURLWithPath: folder.path + "/config.yaml"))
        guard case .recipe(let recipe) = try directory.storedRun() else {
            throw TestFailure("no recipe was found")
        }
        #expect(recipe.data.subset == .first && !recipe.data.exifOrientation)
        #expect(recipe.run.seed == 4)
        // A new run from the same text has what holds now.
        let new = try Recipe.read(path: folder.path + "/config.yaml")
        #expect(new.data.subset == .spread && new.data.exifOrientation)
    }
}
