import BONNData
import Foundation
import Testing

@testable import BONNTrainer

/// Processes that want the same folder at the same time.
@Suite(.serialized) struct RacingRunsTests {
    private let folder = TemporaryFolder()

    private func start(_ arguments: [String], after seconds: Double = 0) throws -> Tool {
        Thread.sleep(forTimeInterval: seconds)
        return try Tool(arguments, in: folder.path)
    }

    @Test func `runs without an output that start at once have a folder each`() throws {
        for round in 0..<3 {
            var random = SeededGenerator(seed: 11, stream: UInt64(round))
            let runs = try (0..<3).map { _ in
                try start(tinyRun(epochs: 1), after: random.uniform(0, 0.05))
            }
            for ending in try runs.map({ try $0.wait() }) {
                #expect(ending.status == 0, "\(ending)")
            }
            let found = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/runs")
            #expect(found.count == 3 * (round + 1), "\(found)")
            for name in found {
                let last = try Checkpoint(path: folder.path + "/runs/\(name)/last.safetensors")
                #expect(last.state.epoch == 1)
            }
        }
    }

    @Test func `of two short runs with one output one trains and the other is refused`() throws {
        for round in 0..<4 {
            var random = SeededGenerator(seed: 12, stream: UInt64(round))
            let arguments = tinyRun(epochs: 1) + ["--output", "same-\(round)"]
            // Up to about the duration of the first, so that the second meets it at any point.
            let runs = [
                try start(arguments), try start(arguments, after: random.uniform(0, 0.6)),
            ]
            let endings = try runs.map { try $0.wait() }
            #expect(endings.count { $0.status == 0 } == 1, "\(endings)")
            let refused = try #require(endings.first { $0.status != 0 })
            #expect(
                refused.errors.contains("holds a run already")
                    || refused.errors.contains("another process is training"), "\(refused)")
        }
    }

    @Test func `a run that is resumed while it is being stopped goes on from its last save`() throws
    {
        for round in 0..<4 {
            var random = SeededGenerator(seed: 13, stream: UInt64(round))
            let output = ["--output", "stopped-\(round)"]
            let first = try start(tinyRun(epochs: 2000) + output)
            let table = folder.path + "/stopped-\(round)/last.safetensors"
            while first.isRunning && !FileManager.default.fileExists(atPath: table) { usleep(1000) }
            Thread.sleep(forTimeInterval: random.uniform(0, 0.2))
            // The second one starts before or after the first one hears of its end.
            let second: Tool
            if random.integer(below: 2) == 0 {
                kill(first.identifier, SIGTERM)
                second = try start(["train", "--resume"] + output)
            } else {
                second = try start(["train", "--resume"] + output)
                kill(first.identifier, SIGTERM)
            }
            let stopped = try first.wait()
            Thread.sleep(forTimeInterval: 0.5)
            kill(second.identifier, SIGTERM)
            let resumed = try second.wait()
            #expect(stopped.status == 128 + SIGTERM, "\(stopped)")
            let saved = try #require(progress(stopped.output, after: "Stopped and saved after "))
            if resumed.errors.contains("another process is training") { continue }
            #expect(progress(resumed.output, after: "Going on after ") == saved, "\(resumed)")
        }
    }

    @Test func `nothing to resume is an error, and a job that restarts itself has a flag`() throws {
        let missing = try start(["train", "--resume", "--output", "none", "--data", "synthetic"])
            .wait()
        #expect(missing.status == 1)
        #expect(missing.errors.hasPrefix("Error: none: nothing to resume:"), "\(missing.errors)")
        #expect(missing.errors.split(separator: "\n").count == 1)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/none"))
        let job = tinyRun(epochs: 1) + ["--output", "job", "--resume-or-start"]
        for attempt in 0..<2 {
            let ending = try start(job).wait()
            #expect(ending.status == 0, "\(ending)")
            let goesOn = ending.output.contains("Going on after 1 epochs and 0 steps.")
            #expect(goesOn == (attempt == 1), "\(ending)")
        }
        let both = try start(job + ["--resume"]).wait()
        #expect(both.status == 64 && both.errors.contains("not both"))
    }

    private func progress(_ output: String, after start: String) -> String? {
        output.components(separatedBy: start).dropFirst().first?
            .components(separatedBy: ".").first
    }
}

/// The arguments of a run of three steps an epoch, of the smallest network that there is.
func tinyRun(data: String = "synthetic:48", epochs: Int) -> [String] {
    let settings = ["augmentation.image_size=8", "augmentation.padding=1"]
    return [
        "train", "--data", data, "--batch-size", "16", "--epochs", "\(epochs)", "--widths",
        "2-2-2-2", "--threads", "1",
    ] + settings.flatMap { ["--set", $0] }
}
