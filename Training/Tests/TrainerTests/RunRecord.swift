import BONNData
import BONNModelFormat
import BONNRuntime
import Foundation
import Testing

/// The numbers of one recipe in `Recorded`, as the command-line tool and the files that it writes give
/// them: nothing here knows how the training half is built.
struct RunRecord: Codable {
    /// The LibTorch that computed them.
    var libtorch: String
    /// The columns of metrics.csv without those of the clock, each with its values, one an epoch,
    /// between spaces; `-` is a field with nothing in it.
    var metrics: [String: String]
    /// The columns of layers.csv; none for a network without binary layers.
    var layers: [String: String]
    /// Of the network as it was initialised, the running statistics of its batch norms 0 and 1.
    var initial: Logits?
    /// Of the network after the run, with the statistics of the run.
    var trained: Logits?

    /// What the runtime computes for 32 images of seeded noise.
    struct Logits: Codable, Equatable {
        /// Of the bits of all logits, each as four bytes, the lowest first.
        var sha256: String
        /// The first ten of the first image, between spaces.
        var first: String

        /// Runs a model file with one kernel set.
        init(model path: String, kernels: KernelSet) throws {
            let model = try Model(path: path, kernels: kernels)
            var session = try InferenceSession(model, batch: 32)
            var random = SeededGenerator(seed: 20_190_816, stream: 32)
            // Multiples of 1/64 from -2 to 2: exact, whatever the machine.
            let pixels = (0..<32 * model.inputShape.count).map { _ in
                Float(random.integer(below: 257) - 128) / 64
            }
            let logits = try session.run(pixels)
            let bytes = logits.flatMap { logit in
                withUnsafeBytes(of: logit.bitPattern.littleEndian, Array.init)
            }
            sha256 = SHA256.digest(bytes).description
            first = logits.prefix(10).map { "\($0)" }.joined(separator: " ")
        }
    }

    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().appendingPathComponent("Recorded")

    private static func file(_ recipe: String) -> URL {
        folder.appendingPathComponent(recipe + ".json")
    }

    /// What was recorded for a recipe.
    static func recorded(_ recipe: String) throws -> RunRecord {
        try JSONDecoder().decode(RunRecord.self, from: Data(contentsOf: file(recipe)))
    }

    /// Writes the record of a recipe.
    func write(_ recipe: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try (encoder.encode(self) + Data("\n".utf8)).write(to: Self.file(recipe))
    }
}

extension RunRecord {
    /// Trains, exports and runs the network of a recipe.
    ///
    /// - Parameters:
    ///   - environment: of the processes that train and export.
    ///   - deploying: whether the logits are of interest, too.
    init(
        running recipe: String, libtorch: String, environment: [String: String],
        deploying: Bool
    ) throws {
        let scratch = TemporaryFolder()
        func bonn(_ arguments: [String]) throws {
            let ending = try Tool(arguments, environment: environment).wait()
            guard ending.status == 0 else {
                throw TestFailure("bonn \(arguments): \(ending.errors)")
            }
        }
        func train(_ name: String, _ options: [String] = []) throws -> String {
            let path = Self.folder.appendingPathComponent(recipe + ".yaml").path
            let output = scratch.path + "/" + name
            try bonn(["train", "--config", path, "--output", output] + options)
            return output
        }
        func logits(_ checkpoint: String) throws -> Logits {
            let model = checkpoint + ".bonn"
            try bonn(["export", checkpoint, "--images", "1", "--output", model])
            let results = try KernelSet.available.map { try Logits(model: model, kernels: $0) }
            guard let result = results.first, results.allSatisfy({ $0 == result }) else {
                throw TestFailure("\(recipe): the kernel sets differ: \(results)")
            }
            return result
        }
        self.libtorch = libtorch
        let run = try train("run")
        metrics = try Self.columns(
            of: run + "/metrics.csv", without: ["images_per_second", "seconds"])
        let table = run + "/layers.csv"
        layers = FileManager.default.fileExists(atPath: table) ? try Self.columns(of: table) : [:]
        guard deploying else { return }
        trained = try logits(run + "/last.safetensors")
        // With a rate of 0 the weights stay as they are drawn from the seed.
        let still = try train(
            "still",
            ["--epochs", "1", "--learning-rate", "0"]
                + ["scale", "latent"].flatMap { ["--set", "optimizer.\($0)_learning_rate=null"] })
        let checkpoint = still + "/last.safetensors"
        try Self.resetStatistics(of: checkpoint)
        initial = try logits(checkpoint)
    }

    /// The columns of a table by their names, as this type holds them.
    private static func columns(
        of path: String, without left: Set<String> = []
    ) throws -> [String: String] {
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        guard let names = lines.first, lines.allSatisfy({ $0.count == names.count }) else {
            throw TestFailure("\(path): not a table")
        }
        return names.enumerated().reduce(into: [:]) { columns, item in
            guard !left.contains(item.element) else { return }
            columns[item.element] = lines.dropFirst()
                .map { $0[item.offset].isEmpty ? "-" : $0[item.offset] }.joined(separator: " ")
        }
    }

    /// Gives the batch norms of a checkpoint the running statistics that they start with.
    private static func resetStatistics(of path: String) throws {
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        let contents = try Safetensors.read(bytes)
        var count = 0
        let tensors = contents.tensors.map { name, entry in
            var data = Array(bytes[entry.range])
            for (ending, value) in [("running_mean", Float(0)), ("running_var", 1)]
            where name.text.hasSuffix(ending) {
                count += 1
                let element = withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
                data = Array(repeatElement(element, count: data.count / 4).joined())
            }
            return Safetensors.Tensor(
                name: name, elementType: entry.elementType, shape: entry.shape, bytes: data)
        }
        guard count > 0 else { throw TestFailure("\(path) has no running statistics") }
        let metadata = contents.metadata.map { (key: $0.key, value: $0.value) }
        try Data(Safetensors.write(metadata: metadata, tensors: tensors))
            .write(to: URL(fileURLWithPath: path))
    }
}
