import BONNMethods
import BONNModelFormat
import BONNTrainer
import Foundation

/// Saves the files of a run while one call of the system after the other fails, and tells what came of
/// it. `SaveFaultTests` loads `faults.c` in front of the C library and judges.
///
/// A line a case: subject, kind of failure, number of the call, name of the call, error code (`-` for
/// none), what is at the path afterwards (`old`, `new`, `none`, `damaged`), lines of the message, files left
/// behind by the next save, open files more than before.
@main struct SaveProbe {
    typealias Arm = @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>, Int32) -> Void
    typealias Disarm = @convention(c) (UnsafeMutablePointer<Int32>) -> UnsafePointer<CChar>?

    let folder: String
    let arm: Arm
    let disarm: Disarm

    static func main() throws {
        guard CommandLine.arguments.count == 2, let arm = dlsym(nil, "bonn_faults_arm"),
            let disarm = dlsym(nil, "bonn_faults_disarm")
        else {
            FileHandle.standardError.write(
                Data("SaveProbe: give a folder, and preload faults.c\n".utf8))
            exit(64)
        }
        let probe = SaveProbe(
            folder: CommandLine.arguments[1], arm: unsafeBitCast(arm, to: Arm.self),
            disarm: unsafeBitCast(disarm, to: Disarm.self))
        try probe.run()
    }

    /// Something that is saved: its file, and how an old and a new state of it are written.
    struct Subject {
        let name: String
        let path: String
        let save: (_ isNew: Bool) throws -> Void
    }

    func run() throws {
        let directory = folder + "/run"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let run = try RunDirectory(directory)
        let model = folder + "/model.bonn"
        let subjects = [
            Subject(name: "checkpoint", path: run.lastPath) {
                try checkpoint(isNew: $0).write(to: run.lastPath)
            },
            Subject(name: "recipe", path: run.configurationPath) {
                try run.write(checkpoint(isNew: $0).configuration)
            },
            Subject(name: "table", path: run.metricsPath) {
                try run.writeTables(checkpoint(isNew: $0).state)
            },
            Subject(name: "model", path: model) {
                try File.replace(
                    model, with: [UInt8](repeating: $0 ? 2 : 1, count: $0 ? 300_000 : 200_000))
            },
        ]
        for subject in subjects {
            for kind in ["eio", "enospc", "eintr", "short", "dead"] {
                for hasOld in [true, false] {
                    try probe(subject, kind, hasOld: hasOld)
                }
            }
        }
    }

    /// Lets call 1, 2, 3 ... fail, until a save has no further call.
    private func probe(_ subject: Subject, _ kind: String, hasOld: Bool) throws {
        let files = FileManager.default
        try subject.save(true)
        let new = files.contents(atPath: subject.path)
        try subject.save(false)
        let old = files.contents(atPath: subject.path)
        guard new != old else { throw ProbeError(text: "\(subject.name): nothing to tell apart") }
        for call in 1... {
            if hasOld {
                try subject.save(false)
            } else {
                try files.removeItem(atPath: subject.path)
            }
            let open = try openFiles()
            arm(folder, kind, Int32(call))
            var failure: TrainingError?
            do { try subject.save(true) } catch { failure = error as? TrainingError }
            var count: Int32 = 0
            guard let name = disarm(&count).map({ String(cString: $0) }) else {
                if call == 1 { throw ProbeError(text: "\(subject.name): no call was seen") }
                return
            }
            let state =
                switch files.contents(atPath: subject.path) {
                case new: "new"
                case old: "old"
                case nil: "none"
                default: "damaged"
                }
            let leaked = try openFiles() - open
            try subject.save(true)
            let lines = failure.map { $0.message.split(separator: "\n").count } ?? 0
            print(
                subject.name, kind, call, name, failure?.code.rawValue ?? "-", state, lines,
                try temporaryFiles(), leaked)
        }
    }

    private func openFiles() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }

    private func temporaryFiles() throws -> Int {
        try FileManager.default.subpathsOfDirectory(atPath: folder).count { $0.hasSuffix(".tmp") }
    }

    private func checkpoint(isNew: Bool) throws -> Checkpoint {
        var state = TrainingState()
        state.epoch = isNew ? 2 : 1
        state.metrics = (1...state.epoch).map { epoch in
            EpochMetrics(
                epoch: epoch, learningRate: 0.1, trainLoss: 1, losses: Losses(Objectives.terms),
                trainTop1: 0.5, imagesPerSecond: 1, seconds: 1)
        }
        var configuration = TrainingConfiguration()
        configuration.run.seed = state.epoch
        let bytes = [UInt8](repeating: isNew ? 7 : 3, count: isNew ? 300_000 : 200_000)
        return try Checkpoint(
            recipe: configuration, state: state,
            tensors: [
                "head.bias": Safetensors.Tensor(
                    name: "head.bias", elementType: .u8, shape: [bytes.count], bytes: bytes)
            ])
    }
}

/// Why the probe cannot go on.
struct ProbeError: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
}
