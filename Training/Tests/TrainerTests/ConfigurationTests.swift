import BONNConfiguration
import BONNData
import BONNMethods
import BONNNetworks
import BONNTrainer
import Foundation
import Testing

@Suite struct ConfigurationTests {
    private func apply(_ path: String, _ value: String) throws -> TrainingConfiguration {
        var configuration = TrainingConfiguration()
        try Recipe.apply([(path, value, "--set \(path)=\(value)")], to: &configuration)
        return configuration
    }

    @Test func `a written configuration reads back as itself`() throws {
        var configuration = TrainingConfiguration()
        #expect(
            try Recipe.read(yaml: Recipe.yaml(configuration), source: "x") == configuration)
        configuration.data.path = "a \"quoted\": path\\ with #\ttab, ünïcode"
        configuration.run.output = "true"
        configuration.run.device = "null"
        configuration.model.widths = [1, 2, 3, 4]
        configuration.schedule.milestones = []
        configuration.optimizer.scaleLearningRate = 0.1
        configuration.optimizer.learningRate = 1e-7
        configuration.augmentation.mean = [0.1, 0.2, 0.30000000000000004]
        configuration.model.method.value = BONN(scaleGradient: .exact)
        configuration.run.seed = .max
        #expect(
            try Recipe.read(yaml: Recipe.yaml(configuration), source: "x") == configuration)
    }

    @Test func `every key can be overridden and every override shows`() throws {
        for key in TrainingConfiguration().keys {
            let text = key.text(in: TrainingConfiguration())
            let other =
                switch text {
                case "true": "false"
                case "false": "true"
                default:
                    key.choices.first { $0 != text }
                        ?? (key.expected.contains("NAME=NUMBER")
                            ? "[x=1]" : key.expected.contains("list") ? "[1]" : "")
                }
            // Numbers: a value of every numeric key's range that no default has.
            let candidates = other.isEmpty ? ["3", "2", "0.625", "words"] : [other]
            let changed = candidates.compactMap { try? apply(key.path, $0) }
            #expect(
                changed.contains { key.text(in: $0) != text && $0 != TrainingConfiguration() },
                "\(key.path) = \(text) could not be changed")
        }
    }

    @Test(arguments: [
        ("optimizer:\n  learning_rte: 0.1\n", "r.yaml:2: unknown key optimizer.learning_rte; did"),
        ("optimiser:\n  name: sgd\n", "r.yaml:1: unknown section optimiser; did you mean optim"),
        ("method:\n  name: bon\n", "method.name is bon, expected one of bonn, real, xnor, "),
        (
            "method:\n  redding: B\n",
            "r.yaml:2: unknown key method.redding; did you mean method.reading"
        ),
        (
            "method:\n  source: code\n",
            "r.yaml:2: method.source belongs to xnor, bwn and wage; method.name is bonn"
        ),
        (
            "method:\n  shortcut: classic\n  name: tbn\n",
            "r.yaml:2: method.shortcut belongs to bonn and real; method.name is tbn"
        ),
        ("model:\n  name: resnet19\n", "did you mean resnet18, resnet20 or resnet34?"),
        ("data:\n  batch_size: 0\n", "data.batch_size is 0, expected a whole number from 1"),
        ("data:\n  batch_size: 12.5\n", "data.batch_size is 12.5, expected a whole number"),
        ("schedule:\n  epochs: [1, 2]\n", "schedule.epochs is [1, 2], expected a whole number"),
        ("schedule:\n  milestones: [1, x]\n", "expected a list of whole numbers"),
        ("optimizer:\n  momentum: nan\n", "expected a number from 0.0 to 0.9999"),
        ("data:\n  drop_last: maybe\n", "data.drop_last is maybe, expected true or false"),
        ("data:\n  path:\n    nested: 1\n", "expected a value, found nested keys"),
        ("data: 3\n", "section data must hold `key: value` lines"),
        ("just words\n", "expected sections"), ("a: [\n", "not valid YAML"),
        ("run:\n  seed: 1\n  seed: 2\n", "not valid YAML"),
    ])
    func `a wrong recipe is refused with its place and the nearest valid names`(
        yaml: String, expected: String
    ) {
        let found = message { _ = try Recipe.read(yaml: yaml, source: "r.yaml") }
        #expect(found?.contains(expected) == true, "\(found ?? "nothing thrown")")
    }

    @Test func `an unknown override names what the user typed`() {
        let found = message { _ = try apply("schedule.epoch", "3") }
        #expect(
            found
                == "--set schedule.epoch=3: unknown key schedule.epoch; did you mean "
                + "schedule.epochs, schedule.floor or schedule.name?", "\(found ?? "nil")")
    }

    @Test func `a network's name brings its widths and stem, in any order`() throws {
        let plain = try Recipe.read(yaml: "model:\n  name: resnet18\n", source: "x")
        #expect(plain.model.widths == [64, 64, 128, 256, 512] && plain.model.stem == .imagenet)
        let given = try Recipe.read(
            yaml: "model:\n  stem: cifar\n  widths: 8-8-16-32-64\n  name: resnet18\n", source: "x")
        #expect(given.model.widths == [8, 8, 16, 32, 64] && given.model.stem == .cifar)
        var assigned = TrainingConfiguration()
        try Recipe.apply(
            [("model.widths", "1-2-3-4-5", "a"), ("model.name", "resnet34", "b")], to: &assigned)
        #expect(assigned.model.widths == [1, 2, 3, 4, 5] && assigned.model.network == "resnet34")
    }

    @Test func `what follows from the data is filled in`() throws {
        let dataset = CountingDataset(count: 50)
        let splits = DatasetSplits(kind: .synthetic, train: dataset, test: dataset)
        let resolved = try TrainingConfiguration().resolved(for: splits)
        #expect(resolved.model.classes == 3 && resolved.model.inputChannels == 3)
        #expect(resolved.augmentation.imageSize == 8 && resolved.augmentation.resizeTo == 8)
        // Uniform bytes: mean 127.5 / 255, standard deviation 73.9 / 255.
        for channel in 0..<3 {
            #expect(abs(resolved.augmentation.mean[channel] - 0.5) < 0.02)
            #expect(abs(resolved.augmentation.std[channel] - 0.29) < 0.02)
        }
        #expect(try resolved.resolved(for: splits) == resolved)
    }

    @Test func `contradictions between recipe and data are refused`() {
        let dataset = CountingDataset(count: 5)
        let splits = DatasetSplits(kind: .synthetic, train: dataset, test: dataset)
        func refusal(_ change: (inout TrainingConfiguration) -> Void) -> String {
            var configuration = TrainingConfiguration()
            change(&configuration)
            return message { _ = try configuration.resolved(for: splits) } ?? "nothing thrown"
        }
        #expect(refusal { $0.model.classes = 2 }.contains("model.classes is 2, but counting has 3"))
        #expect(refusal { $0.model.classes = 5 }.contains("model.classes is 5, but counting has 3"))
        #expect(refusal { $0.model.inputChannels = 2 }.contains("expected 1 (gray) or 3 (colour)"))
        #expect(refusal { $0.augmentation.mean = [0.5] }.contains("mean has 1 numbers, expected 3"))
        #expect(
            refusal { $0.augmentation.resizeTo = 4 }.contains(
                "augmentation.resize_to is 4, expected at least 8, the shorter side of "
                    + "augmentation.image_size, which is 8"))
        #expect(refusal { $0.model.widths = [4] }.contains("widths"))
        #expect(
            refusal { $0.schedule.name = .exponential }
                == "schedule.floor is 0, which an exponential schedule does not reach; expected more"
        )
        #expect(
            refusal {
                $0.augmentation.minimumScale = 1; $0.augmentation.maximumScale = 0.5
            }
            .contains(
                "augmentation.minimum_scale, which is 1.0, to be at most augmentation.maximum_scale, "
                    + "which is 0.5"))
    }
}
