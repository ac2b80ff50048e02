import BONNConfiguration
import BONNData
import BONNMethods
import BONNNetworks
import Foundation
import Testing
import Torch

@testable import BONNTrainer

/// Every file in Training/recipes: that it is read, that its networks can be built, that they train.
@Suite struct RecipeFilesTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../..").standardized.path
    private static let folder = root + "/Training/recipes"
    static let names =
        (FileManager.default.subpaths(atPath: folder) ?? []).filter { $0.hasSuffix(".yaml") }
        .sorted()

    private static func read(_ name: String) throws -> TrainingConfiguration {
        let (configuration, notes) = try Recipe.noted(
            path: folder + "/" + name, over: TrainingConfiguration())
        #expect(notes.isEmpty)
        return configuration
    }

    @Test(arguments: names)
    func `a recipe is read, and its networks can be planned as they are`(name: String) throws {
        let configuration = try Self.read(name)
        #expect(try Recipe.read(yaml: Recipe.yaml(configuration), source: "x") == configuration)
        let stages = try configuration.runStages()
        if name.hasSuffix("-quick.yaml") || name.contains("quick/") {
            #expect(stages.reduce(0) { $0 + $1.epochs } <= 5)
        }
        for stage in stages {
            var model = stage.configuration.model
            (model.classes, model.inputChannels) = (10, model.network == "mlp" ? 1 : 3)
            let size = model.publishedSize
            try model.validate(height: size.height, width: size.width)
            #expect(try !model.plan(for: size).layers.isEmpty)
        }
    }

    /// With an eighth of the channels, and images of 16x16.
    @Test(arguments: names)
    func `every stage of a recipe takes two steps`(name: String) throws {
        let images = CountingDataset(count: 8, side: 16)
        let splits = DatasetSplits(kind: .synthetic, train: images, test: images)
        for stage in try Self.read(name).runStages() {
            var configuration = stage.configuration
            configuration.model.widths = configuration.model.widths.map { max(8, $0 / 64 * 8) }
            configuration.data.batchSize = 4
            configuration.augmentation.imageSize = 0
            configuration.augmentation.resizeTo = 0
            configuration.run.threads = 1
            let folder = TemporaryFolder()
            if configuration.losses[DistillationSettings.self].weight > 0 {
                configuration.losses[DistillationSettings.self].teacher = try Self.teacher(
                    of: configuration, splits, in: folder.path + "/teacher")
            }
            let stop = StopRequest()
            var losses: [Double] = []
            let trainer = try Trainer(
                configuration: configuration, splits: splits,
                directory: RunDirectory(folder.path + "/run"),
                observers: [
                    { event, _ in
                        guard case .step(let report) = event else { return }
                        losses.append(report.losses.total)
                        if losses.count == 2 { stop.request() }
                    }
                ])
            let parameters = trainer.network.store.trainable
            let before = try parameters.map { try $0.tensor.bytes() }
            let outcome = try trainer.run(stop: stop)
            #expect(outcome.steps == 2 && losses.count == 2 && losses.allSatisfy(\.isFinite))
            let moved = try zip(parameters, before).count { try $0.tensor.bytes() != $1 }
            // A stage may train a part alone.
            let least = configuration.pruning.trains == .all ? parameters.count / 2 : 0
            #expect(moved > least, "\(moved) of \(parameters.count) moved")
        }
    }

    /// A real network that has seen the images once: what the recipe's own teacher stands for.
    private static func teacher(
        of student: TrainingConfiguration, _ splits: DatasetSplits, in folder: String
    ) throws -> String {
        var configuration = student
        configuration.model.method = MethodConfiguration(FullPrecision())
        configuration.losses[DistillationSettings.self].weight = 0
        configuration.losses.classification.weight = 1
        configuration.schedule.epochs = 1
        let trainer = try Trainer(
            configuration: configuration, splits: splits, directory: RunDirectory(folder),
            observers: [])
        #expect(try trainer.run(stop: StopRequest()).isFinished)
        return folder + "/best.safetensors"
    }

    @Test func `the documents name every recipe of the folders, and none that is not there`()
        throws
    {
        let documents = Self.root + "/Documentation/"
        let text = try FileManager.default.contentsOfDirectory(atPath: documents)
            .filter { $0.hasSuffix(".md") }
            .map { try String(contentsOfFile: documents + $0, encoding: .utf8) }.joined()
        let links = text.matches(of: /\]\(\.\.\/Training\/recipes\/([^)]*)\)/).map { String($0.1) }
        let inFolders = Set(Self.names.filter { $0.contains("/") })
        #expect(inFolders.count > 90)
        #expect(inFolders.subtracting(links).isEmpty, "in no document")
        #expect(Set(links).subtracting(Self.names).isEmpty, "not there")
    }

    @Test func `every method has a quick recipe`() throws {
        let methods = try Self.names.filter { $0.hasSuffix("-quick.yaml") }.map {
            try Self.read($0).model.method.name
        }
        let missing = Set(Methods.names).subtracting(methods)
        #expect(missing.isEmpty)
    }
}
