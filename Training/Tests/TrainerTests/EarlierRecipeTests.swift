import BONNConfiguration
import BONNData
import BONNMethods
import BONNModelFormat
import BONNNetworks
import Foundation
import Testing

@testable import BONNTrainer

/// Recipes, checkpoints and runs from before methods had keys of their own: `Earlier/config.yaml` was written
/// then, by `bonn train --data synthetic:60`, with a value of its own for every key of the model.
@Suite struct EarlierRecipeTests {
    private let folder = TemporaryFolder()

    private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Earlier/config.yaml").path

    private static func text() throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }

    /// What the text says.
    private static let method = MethodConfiguration(
        BONN(
            block: BONNBlock(shortcut: .classic, placement: .beforeAddition, dropout: 0.1),
            reading: .divide, scaleGradient: .exact, slope: .clip, latentStd: 0.02,
            initialScale: 0.25))

    @Test func `a recipe with all keys of then is read, and notes say what they are called now`()
        throws
    {
        let (configuration, notes) = try Recipe.noted(
            path: Self.path, over: TrainingConfiguration())
        #expect(configuration.model.method == Self.method)
        #expect(configuration.model.widths == [2, 2, 4, 4] && configuration.run.seed == 7)
        #expect(notes.count == 2)
        #expect(
            notes.first?.hasPrefix(
                "\(Self.path): keys have new names: model.method is now method.name, "
                    + "model.weights is now method.weights, model.reading is now method.reading, ")
                == true, "\(notes)")
        #expect(
            notes.last
                == "\(Self.path): left out without effect: model.xnor_source belongs to xnor, "
                + "model.kernel_terms belongs to abc, model.activation_planes belongs to abc")
        let again = try Recipe.noted(
            path: written(Recipe.yaml(configuration)), over: TrainingConfiguration())
        #expect(again.configuration == configuration && again.notes.isEmpty)
    }

    @Test(arguments: [
        ("xnor", MethodConfiguration(XNORNet(source: .code))),
        ("abc", MethodConfiguration(ABCNet(kernelTerms: 5, activationPlanes: 2))),
        ("tbn", MethodConfiguration(TBN())),
        (
            "real",
            MethodConfiguration(
                FullPrecision(
                    block: BONNBlock(
                        shortcut: .classic, placement: .beforeAddition, dropout: 0.1)))
        ),
    ])
    func `of all keys of then, a method takes its own`(
        name: String, expected: MethodConfiguration
    ) throws {
        let text = try Self.text().replacingOccurrences(
            of: "  method: bonn ", with: "  method: \(name) ")
        #expect(try Recipe.read(yaml: text, source: "then").model.method == expected)
    }

    @Test func `an old value that never fitted is still refused by its name`() throws {
        for (old, new, expected) in [
            ("reading: B", "reading: D", "model.reading is D, expected one of A, B, C"),
            (
                "xnor_source: code", "xnor_source: none",
                "model.xnor_source is none, expected one of"
            ),
            ("kernel_terms: 5", "kernel_terms: 9", "model.kernel_terms is 9, expected a whole"),
        ] {
            let text = try Self.text().replacingOccurrences(of: "  \(old) ", with: "  \(new) ")
            let found = message { _ = try Recipe.read(yaml: text, source: "r") }
            #expect(found?.contains(expected) == true, "\(found ?? "nothing thrown")")
        }
    }

    @Test func `a run of then goes on to the same bits, and says nothing`() throws {
        let splits = try DatasetSplits.open("synthetic:60")
        let configuration = try Recipe.read(yaml: Self.text(), source: "then")
        let whole = folder.path + "/whole"
        try train(configuration, in: whole, splits: splits)
        let path = folder.path + "/stopped"
        let outcome = try train(configuration, in: path, stopAfter: 3, splits: splits)
        #expect(!outcome.isFinished)
        try store(Self.text(), in: path + "/last.safetensors")
        let directory = try RunDirectory(path)
        guard case .checkpoint(let checkpoint) = try directory.storedRun() else {
            Issue.record("no checkpoint in \(path)")
            return
        }
        #expect(checkpoint.configuration.model == configuration.model)
        let trainer = try Trainer(
            configuration: checkpoint.configuration, splits: splits, directory: directory,
            resuming: checkpoint)
        #expect(try trainer.run().isFinished)
        let difference = try RunResult(path).difference(from: RunResult(whole))
        #expect(difference == nil)
        var other = configuration
        other.model.method.name = "xnor"
        #expect(
            message { try checkpoint.requireSameRun(other, source: "c") }
                == "c: was trained with method.name = bonn, not xnor; start a new run to change it")
        other.model.method.value = BONN(reading: .multiply)
        #expect(
            message { try checkpoint.requireSameRun(other, source: "c") }?
                .contains("method.reading = B, not A") == true)
    }

    @Test
    func `the tool goes on with a run of then without a note, and notes an old key it is given`()
        throws
    {
        let path = folder.path + "/run"
        let first = try Tool(tinyRun(epochs: 1) + ["--output", path]).wait()
        try #require(first.status == 0, "\(first)")
        // The same run as it was stored then.
        var old = try Recipe.read(path: path + "/config.yaml")
        old.model.method = MethodConfiguration()
        let then = Self.asThen(Recipe.yaml(old))
        #expect(then.contains("\n  method: bonn\n") && !then.contains("\nmethod:"))
        try store(then, in: path + "/last.safetensors")
        try Data(then.utf8).write(to: URL(fileURLWithPath: path + "/config.yaml"))
        let resumed = try Tool.run("train", "--resume", "--output", path, "--epochs", "2")
        #expect(resumed.status == 0 && !resumed.errors.contains("new names"), "\(resumed)")
        let noted = try Tool.run("recipe", "--set", "model.reading=B")
        #expect(noted.output.contains("\n  reading: B "))
        #expect(
            noted.errors
                == "Note: --set model.reading=B: keys have new names: model.reading is now "
                + "method.reading\n")
        let config = try Tool.run(
            "train", "--resume-or-start", "--output", folder.path + "/second", "--config",
            written(then), "--data", "synthetic:48")
        let notes = config.errors.components(separatedBy: "model.method is now method.name")
        #expect(config.status == 0 && notes.count == 2, "a note, once: \(config)")
    }

    private func written(_ text: String) throws -> String {
        let path = folder.path + "/again.yaml"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// The section of methods as it stood then: two keys of the model.
    private static func asThen(_ text: String) -> String {
        let lines = text.components(separatedBy: "\n")
        guard let section = lines.firstIndex(of: "method:"),
            let end = lines[section...].firstIndex(of: "")
        else { return text }
        let before = lines[..<section].dropLast()
        return (before + ["  method: bonn", "  reading: A", ""] + lines[(end + 1)...])
            .joined(separator: "\n")
    }

    /// Puts a recipe into a checkpoint, as it was written then.
    private func store(_ recipe: String, in path: String) throws {
        let bytes = try File.bytes(of: path)
        let contents = try Safetensors.read(bytes)
        let tensors = contents.tensors.map { name, tensor in
            Safetensors.Tensor(
                name: name, elementType: tensor.elementType, shape: tensor.shape,
                bytes: Array(bytes[tensor.range]))
        }
        var metadata = contents.metadata
        metadata["configuration"] = recipe
        metadata[Safetensors.digestKey] = nil
        try File.replace(
            path,
            with: try Safetensors.write(
                metadata: metadata.map { (key: $0.key, value: $0.value) }, tensors: tensors))
    }
}
