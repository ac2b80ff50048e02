import BONNData
import BONNModelFormat
import Foundation
import Testing

@testable import BONNTrainer

/// Checkpoints in which a bit flipped after they were written.
@Suite(.serialized) struct DamageTests {
    private let folder = TemporaryFolder()

    /// A run of one epoch; its checkpoint is some 100 kB.
    private func run(_ name: String) throws -> String {
        let path = folder.path + "/" + name
        let ending = try Tool(tinyRun(epochs: 1) + ["--output", path]).wait()
        try #require(ending.status == 0, "\(ending)")
        return path
    }

    private func headerEnd(_ bytes: [UInt8]) -> Int {
        8 + (0..<8).reduce(0) { $0 + Int(bytes[$1]) << (8 * $1) }
    }

    @Test func `a flipped bit in any part of a checkpoint is refused`() throws {
        let path = try run("run") + "/last.safetensors"
        let bytes = try File.bytes(of: path)
        let header = headerEnd(bytes)
        var random = SeededGenerator(seed: 31)
        let copy = folder.path + "/flipped.safetensors"
        var places = (0..<8).flatMap { byte in (0..<8).map { (byte, $0) } }
        for _ in 0..<150 {
            places.append((8 + random.integer(below: header - 8), random.integer(below: 8)))
        }
        for _ in 0..<40 {
            places.append(
                (header + random.integer(below: bytes.count - header), random.integer(below: 8)))
        }
        // All bits of the version and of the digest and their keys.
        for key in ["\"format_version\":\"2\"", "\"bonn_sha256\":\""] {
            let start = try #require(Data(bytes).range(of: Data(key.utf8))).lowerBound
            for byte in start..<start + key.utf8.count { places += (0..<8).map { (byte, $0) } }
        }
        for (byte, bit) in places {
            var flipped = bytes
            flipped[byte] ^= 1 << bit
            try Data(flipped).write(to: URL(fileURLWithPath: copy))
            let found = message { _ = try Checkpoint(path: copy) }
            #expect(
                found?.hasPrefix(copy + ": ") == true && found?.contains("\n") == false,
                "bit \(bit) of byte \(byte) of \(bytes.count): \(found ?? "accepted")")
            if byte >= header {
                #expect(found?.contains("this checkpoint is damaged") == true, "\(found ?? "")")
            }
        }
    }

    @Test func `every command refuses a checkpoint with a flipped bit, in one line`() throws {
        let path = try run("run")
        let model = folder.path + "/model.bonn"
        let checkpoint = path + "/best.safetensors"
        let exported = try Tool.run("export", checkpoint, "--output", model)
        try #require(exported.status == 0, "\(exported)")
        let bytes = try File.bytes(of: checkpoint)
        let header = headerEnd(bytes)
        let start = try #require(Data(bytes).range(of: Data("learning_rate: ".utf8))).upperBound
        // A digit of the recipe; an exponent bit of a weight; a bit of the last tensor.
        for (byte, bit) in [(start + 2, 0), (header + 4 * 20 + 3, 6), (bytes.count - 1, 0)] {
            var flipped = bytes
            flipped[byte] ^= 1 << bit
            try File.replace(path + "/flipped.safetensors", with: flipped)
            try File.replace(path + "/last.safetensors", with: flipped)
            let commands = [
                ["export", path + "/flipped.safetensors", "--output", folder.path + "/none.bonn"],
                ["evaluate", path + "/flipped.safetensors", "--data", "synthetic:40"],
                ["verify", path + "/flipped.safetensors", model, "--data", "synthetic:40"],
                ["summary", path + "/flipped.safetensors"],
                ["train", "--resume", "--output", path],
                ["train", "--resume-or-start", "--output", path],
                tinyRun(epochs: 1) + [
                    "--output", folder.path + "/new", "--from", path + "/flipped.safetensors",
                ],
            ]
            for command in commands {
                let ending = try Tool(command).wait()
                #expect(ending.status == 1, "\(command): \(ending)")
                #expect(
                    ending.errors.contains("this checkpoint is damaged"), "\(command): \(ending)")
                #expect(ending.errors.split(separator: "\n").count == 1, "\(command): \(ending)")
            }
            #expect(!File.exists(folder.path + "/none.bonn") && !File.exists(folder.path + "/new"))
            // The damaged file is left for whoever wants to look at it.
            #expect(try File.bytes(of: path + "/last.safetensors") == flipped)
        }
    }

    @Test func `a checkpoint of the version without a digest is read, with a note`() throws {
        let path = try run("run") + "/last.safetensors"
        let bytes = try File.bytes(of: path)
        let contents = try Safetensors.read(bytes)
        #expect(contents.digest != nil)
        let tensors = contents.tensors.map { name, entry in
            Safetensors.Tensor(
                name: name, elementType: entry.elementType, shape: entry.shape,
                bytes: Array(bytes[entry.range]))
        }
        func write(version: String, digest: Bool) throws {
            let metadata = contents.metadata.map {
                (key: $0.key, value: $0.key == "format_version" ? version : $0.value)
            }
            try File.replace(
                path, with: Safetensors.write(metadata: metadata, tensors: tensors, digest: digest))
        }
        try write(version: "1", digest: false)
        let old = try Checkpoint(path: path)
        #expect(old.digest == nil && !old.tensors.isEmpty)
        let evaluated = try Tool.run("evaluate", path, "--data", "synthetic:40")
        #expect(evaluated.status == 0)
        #expect(evaluated.errors.contains("Note: \(path) states no SHA-256"), "\(evaluated)")
        try write(version: "2", digest: false)
        #expect(
            message { _ = try Checkpoint(path: path) }?.contains("is damaged: expected its") == true
        )
        try write(version: "3", digest: true)
        let later = message { _ = try Checkpoint(path: path) }
        #expect(later == "\(path): checkpoint version 3, expected 2")
    }

    @Test func `a model names the checkpoint that it comes from by digests`() throws {
        let path = try run("run")
        let model = folder.path + "/model.bonn"
        let exported = try Tool.run("export", path + "/best.safetensors", "--output", model)
        try #require(exported.status == 0, "\(exported)")
        let checkpoint = try Checkpoint(path: path + "/best.safetensors")
        let provenance = try ModelFile(bytes: File.bytes(of: model)).metadata.provenance
        #expect(provenance["weights_sha256"] == checkpoint.weightsDigest.description)
        #expect(provenance["checkpoint_sha256"] == checkpoint.digest?.description)
        let recipe = try #require(provenance["recipe"])
        #expect(checkpoint.recipe.run.output == path && !recipe.contains(folder.path), "\(recipe)")
        let later = folder.path + "/later"
        let started = try Tool(
            tinyRun(epochs: 1) + ["--output", later, "--from", path + "/best.safetensors"]
        ).wait()
        try #require(started.status == 0, "\(started)")
        let again = try Tool.run("export", later + "/best.safetensors", "--output", model)
        try #require(again.status == 0, "\(again)")
        let second = try ModelFile(bytes: File.bytes(of: model)).metadata.provenance
        #expect(second["started_from_weights_sha256"] == checkpoint.weightsDigest.description)
    }
}
