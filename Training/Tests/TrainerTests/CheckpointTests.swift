import BONNData
import BONNMethods
import BONNModelFormat
import Foundation
import Testing

@testable import BONNTrainer

@Suite struct CheckpointTests {
    private func sample() throws -> Checkpoint {
        var state = TrainingState()
        state.epoch = 3
        state.progress = EpochProgress(terms: ["cross_entropy", "another_loss"])
        state.progress.steps = 17
        state.progress.losses["cross_entropy"] = 0.1 + 0.2
        state.progress.losses["another_loss"] = 1.0 / 3
        state.progress.counts.add(logits: [0, 1], labels: [1])
        state.bestTop1 = 1.0 / 3
        state.skipped = ["a: broken", "b \"quoted\"\n"]
        state.dataset.classNames = ["cat", "dog"]
        var random = SeededGenerator(seed: 1)
        let tensors = [("head.weight", [3, 4]), ("ema/head.weight", [3, 4]), ("trainer/x", [])]
            .map { name, shape in
                Safetensors.Tensor(
                    name: name, elementType: .f32, shape: shape,
                    bytes: (0..<4 * shape.reduce(1, *)).map { _ in
                        UInt8(random.integer(below: 256))
                    })
            }
        return try Checkpoint(
            recipe: TrainingConfiguration(), state: state,
            tensors: [Name: Safetensors.Tensor](
                uniqueKeysWithValues: tensors.map { ($0.name, $0) }))
    }

    @Test func `a checkpoint reads back as itself, bit for bit`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/c.safetensors"
        let checkpoint = try sample()
        try checkpoint.write(to: path)
        let read = try Checkpoint(path: path)
        #expect(read.configuration == checkpoint.configuration && read.state == checkpoint.state)
        #expect(read.tensors == checkpoint.tensors)
        #expect(Set(read.networkTensors.keys) == ["head.weight"])
        #expect(
            read.deployedTensors["head.weight"]?.bytes
                == checkpoint.tensors["ema/head.weight"]?
                .bytes)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
    }

    @Test func `a checkpoint cut at any byte is refused with its path`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/c.safetensors"
        try sample().write(to: path)
        let bytes = try File.bytes(of: path)
        let ends = Array(stride(from: 0, to: bytes.count, by: 211)) + [8, 9, bytes.count - 1]
        for end in ends {
            try File.replace(path, with: Array(bytes[..<end]))
            let found = message { _ = try Checkpoint(path: path) }
            #expect(found?.hasPrefix(path) == true, "cut at \(end): \(found ?? "accepted")")
        }
        try File.replace(path, with: bytes + [0])
        #expect(message { _ = try Checkpoint(path: path) }?.contains("not a whole") == true)
    }

    /// A sparse file has any size and takes no space: memory for it would be taken in earnest.
    @Test func `a file is refused by its header before memory is taken for it`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/c.safetensors"
        try sample().write(to: path)
        #expect(truncate(path, 1 << 40) == 0)
        #expect(
            message { _ = try Checkpoint(path: path) }?
                .contains("where the last tensor ends, found 1099511627776") == true)
        let header = #"{"x":{"dtype":"U8","shape":[8589934592],"data_offsets":[0,8589934592]}}  "#
        try File.replace(path, with: [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + header.utf8)
        #expect(truncate(path, off_t(8 + header.utf8.count + 8_589_934_592)) == 0)
        #expect(
            message { _ = try Checkpoint(path: path) }?
                .contains("more than the 4294967296 that are allowed") == true)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a pipe where a file is to be written is an error and not a wait`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/c.safetensors"
        for pipe in [path + ".tmp", path] {
            try #require(mkfifo(pipe, 0o600) == 0)
            let found = message { try sample().write(to: path) }
            #expect(found?.hasPrefix(pipe + ": ") == true, "\(found ?? "written")")
            unlink(pipe)
        }
    }

    @Test func `other files are refused with what they are`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/m.safetensors"
        try File.replace(
            path, with: try Safetensors.write(metadata: [("format", "bonn")], tensors: []))
        #expect(
            message { _ = try Checkpoint(path: path) }?.contains("states format bonn") == true)
        #expect(
            message { _ = try Checkpoint(path: folder.path) }?.contains("expected a file") == true)
        #expect(
            message { _ = try Checkpoint(path: folder.path + "/none") }?
                .contains("No such file") == true)
    }

    @Test func `a full disk leaves the old file and says so`() throws {
        guard let disk = SmallDisk() else { return }
        let path = disk.path + "/last.safetensors"
        var checkpoint = try sample()
        try checkpoint.write(to: path)
        let before = try File.bytes(of: path)
        checkpoint.tensors["big"] = Safetensors.Tensor(
            name: "big", elementType: .u8, shape: [2 << 20],
            bytes: [UInt8](repeating: 1, count: 2 << 20))
        do {
            try checkpoint.write(to: path)
            Issue.record("2 MiB fitted into a file system of 1 MiB")
        } catch {
            #expect(error.code == .diskFull && error.message.contains("the disk is full"))
            #expect(error.message.hasPrefix(path))
        }
        #expect(try File.bytes(of: path) == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path).count == 1)
    }

}
