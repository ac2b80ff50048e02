import BONNData
import Foundation
import Testing

@testable import BONNTrainer

/// Runs of the tool itself that are killed or stopped from outside.
@Suite(.serialized) struct KillTests {
    private let folder = TemporaryFolder()

    /// A run of a few seconds that writes a checkpoint after every step.
    private func arguments(_ name: String, epochs: Int = 4, resume: Bool = false) -> [String] {
        let settings = [
            "optimizer.name=adam", "optimizer.learning_rate=0.01", "method.dropout=0.1",
            "losses.fine_tuning_fraction=0.5", "run.ema_decay=0.9", "augmentation.image_size=8",
            "augmentation.padding=1", "run.checkpoint_minutes=1e-7",
        ]
        return [
            "train", "--data", "synthetic:48", "--batch-size", "16", "--epochs", "\(epochs)",
            "--widths", "2-2-4-4", "--threads", "1", "--output", folder.path + "/" + name,
        ] + settings.flatMap { ["--set", $0] } + (resume ? ["--resume-or-start"] : [])
    }

    /// The result of a run that nobody disturbed: 12 steps, 16 checkpoints.
    private func reference() throws -> RunResult {
        let ending = try Tool(arguments("whole")).wait()
        try #require(ending.status == 0, "\(ending.errors)")
        return try RunResult(folder.path + "/whole")
    }

    /// Waits until a run has replaced its checkpoint a number of times, or has ended.
    private func wait(for replacements: Int, of name: String, _ tool: Tool) {
        let path = folder.path + "/\(name)/last.safetensors"
        func file() -> Int? {
            (try? FileManager.default.attributesOfItem(atPath: path))?[.systemFileNumber] as? Int
        }
        var last = file()
        var seen = 0
        while seen < replacements && tool.isRunning {
            usleep(1000)
            let now = file()
            if now != last { seen += 1 }
            last = now
        }
    }

    /// How often runs are killed: 20 times every day, 200 times in `make test-long`.
    private static let kills =
        ProcessInfo.processInfo.environment["BONN_KILLS"].flatMap { Int($0) } ?? 20

    /// Where a run stands on the disk; nil before its first checkpoint. Whatever is there is whole.
    private func saved(_ name: String) throws -> TrainingState? {
        let path = folder.path + "/" + name
        for file in ["best", "last"] where File.exists("\(path)/\(file).safetensors") {
            _ = try Checkpoint(path: "\(path)/\(file).safetensors").network(source: file)
        }
        if File.exists(path + "/config.yaml") { _ = try Recipe.read(path: path + "/config.yaml") }
        let last = path + "/last.safetensors"
        return File.exists(last) ? try Checkpoint(path: last).state : nil
    }

    @Test
    func `a run that is killed at any instant goes on from its last whole state to the same bits`()
        throws
    {
        let reference = try reference()
        var kills = 0
        var chain = 0
        while kills < Self.kills {
            var random = SeededGenerator(seed: 21, stream: UInt64(chain))
            let name = "killed-\(chain)"
            chain += 1
            var known = 0
            for attempt in 0... {
                let before = try saved(name)
                let tool = try Tool(arguments(name, resume: true))
                // At the start, while a step is computed, or while a file is written; a run that
                // was killed six times may come to its end.
                if attempt < 6 && kills < Self.kills {
                    wait(for: random.integer(below: 5), of: name, tool)
                    Thread.sleep(forTimeInterval: random.uniform(0, 0.05) * random.uniform(0, 8))
                    kill(tool.identifier, SIGKILL)
                }
                let ending = try tool.wait()
                if let before, !ending.output.isEmpty {
                    let place = "after \(before.epoch) epochs and \(before.progress.steps) steps."
                    #expect(ending.output.contains("Going on \(place)"), "\(name): \(ending)")
                }
                let after = try saved(name)
                let steps = (after?.epoch ?? 0) * 3 + (after?.progress.steps ?? 0)
                #expect(steps >= known, "\(name) fell back from step \(known) to \(steps)")
                known = steps
                guard ending.wasKilled else {
                    #expect(ending.status == 0, "\(name): \(ending)")
                    break
                }
                kills += 1
            }
            let difference = try RunResult(folder.path + "/" + name).difference(from: reference)
            #expect(difference == nil, "\(name)")
        }
        print("\(kills) kills in \(chain) runs")
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
    func `a run that is asked to stop saves, says so and goes on with the same bits`(
        signal: Int32
    ) throws {
        let reference = try reference()
        var random = SeededGenerator(seed: UInt64(signal))
        var tool = try Tool(arguments("stopped"))
        var stops = 0
        for _ in 0..<3 {
            // After a checkpoint the handler stands.
            wait(for: 1 + random.integer(below: 3), of: "stopped", tool)
            guard tool.isRunning else { break }
            kill(tool.identifier, signal)
            let ending = try tool.wait()
            // The run may have been over before it heard.
            let stopped = ending.status != 0
            try #require(!stopped || ending.status == 128 + signal, "\(ending)")
            let advice = " steps. Go on with: bonn train --resume --output \(folder.path)"
            #expect(ending.output.contains("Stopped and saved after") == stopped, "\(ending)")
            #expect(ending.output.contains(advice) == stopped, "\(ending)")
            stops += stopped ? 1 : 0
            tool = try Tool(arguments("stopped", resume: true))
        }
        let ending = try tool.wait()
        try #require(ending.status == 0, "\(ending.errors)")
        #expect(stops > 0, "no stop was heard")
        let difference = try RunResult(folder.path + "/stopped").difference(from: reference)
        #expect(difference == nil)
    }

    #if os(Linux)
        @Test func `the memory of a run stays flat`() throws {
            let tool = try Tool(
                arguments("memory", epochs: 200) + ["--set", "run.checkpoint_minutes=0"])
            defer { if tool.isRunning { kill(tool.identifier, SIGKILL) } }
            var kilobytes: [Int] = []
            var epochs = 0
            while tool.isRunning && epochs < 24 {
                Thread.sleep(forTimeInterval: 0.05)
                let table = try? String(
                    contentsOfFile: folder.path + "/memory/metrics.csv", encoding: .utf8)
                epochs = (table?.split(separator: "\n").count ?? 1) - 1
                // The first epochs fill caches and pools.
                guard epochs > 6, let size = residentKilobytes(of: tool.identifier) else {
                    continue
                }
                kilobytes.append(size)
            }
            try #require(kilobytes.count >= 8, "\(kilobytes)")
            let half = kilobytes.count / 2
            let before = try #require(kilobytes[..<half].max())
            let after = try #require(kilobytes[half...].max())
            #expect(after - before < 4096, "kilobytes: \(kilobytes)")
        }

        private func residentKilobytes(of process: Int32) -> Int? {
            let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
            let line = status?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            return line?.split { !$0.isNumber }.first.flatMap { Int($0) }
        }
    #endif
}
