import BONNData
import Foundation
import Testing

@testable import BONNTrainer

/// Runs of the tool itself that are killed or stopped from outside.
@Suite(.serialized) struct KillTests {
    private let folder = TemporaryFolder()

    /// A run of a few seconds that writes a checkpoint after every step.
    private func arguments(_ name: String, epochs: Int = 3, resume: Bool = false) -> [String] {
        let settings = [
            "optimizer.name=adam", "optimizer.learning_rate=0.01", "model.dropout=0.1",
            "losses.fine_tuning_fraction=0.5", "run.ema_decay=0.9", "augmentation.image_size=8",
            "augmentation.padding=1", "run.checkpoint_minutes=1e-7",
        ]
        return [
            "train", "--data", "synthetic:48", "--batch-size", "16", "--epochs", "\(epochs)",
            "--widths", "2-2-4-4", "--threads", "1", "--output", folder.path + "/" + name,
        ] + settings.flatMap { ["--set", $0] } + (resume ? ["--resume"] : [])
    }

    /// The result of a run that nobody disturbed, and how long it took.
    private func reference() throws -> (RunResult, seconds: Double) {
        let start = Date()
        let ending = try Tool(arguments("whole")).wait()
        try #require(ending.status == 0, "\(ending.errors)")
        return (try RunResult(folder.path + "/whole"), Date().timeIntervalSince(start))
    }

    @Test func `a run that is killed at random instants and resumed ends with the same bits`()
        throws
    {
        let (reference, seconds) = try reference()
        for seed in 1...3 {
            var random = SeededGenerator(seed: UInt64(seed))
            let name = "killed-\(seed)"
            var kills = 0
            var tool = try Tool(arguments(name))
            while kills < 3 {
                Thread.sleep(forTimeInterval: random.uniform(0.05, 0.6) * seconds)
                guard tool.isRunning else { break }
                kill(tool.identifier, SIGKILL)
                _ = try tool.wait()
                kills += 1
                tool = try Tool(arguments(name, resume: true))
            }
            var ending = try tool.wait()
            if ending.status != 0 {
                ending = try Tool(arguments(name, resume: true)).wait()
            }
            try #require(ending.status == 0, "seed \(seed): \(ending.errors)")
            #expect(kills > 0, "seed \(seed): the run ended before the first kill")
            let difference = try RunResult(folder.path + "/" + name).difference(from: reference)
            #expect(difference == nil, "seed \(seed), \(kills) kills")
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a run that is asked to stop saves, exits with 0 and goes on with the same bits`(
        signal: Int32
    ) throws {
        let (reference, seconds) = try reference()
        var random = SeededGenerator(seed: UInt64(signal))
        let name = "stopped"
        var tool = try Tool(arguments(name))
        var stops = 0
        for _ in 0..<3 {
            Thread.sleep(forTimeInterval: random.uniform(0.3, 0.6) * seconds)
            guard tool.isRunning else { break }
            // Before the handler stands, a signal ends the process as it would any other.
            let isTraining = FileManager.default.fileExists(
                atPath: folder.path + "/\(name)/last.safetensors")
            kill(tool.identifier, signal)
            let ending = try tool.wait()
            if isTraining && !ending.wasKilled {
                #expect(ending.status == 0, "\(ending.errors)")
                stops += ending.output.contains("Stopped and saved.") ? 1 : 0
            }
            tool = try Tool(arguments(name, resume: true))
        }
        let ending = try tool.wait()
        try #require(ending.status == 0, "\(ending.errors)")
        #expect(stops > 0, "no stop was heard")
        let difference = try RunResult(folder.path + "/" + name).difference(from: reference)
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
