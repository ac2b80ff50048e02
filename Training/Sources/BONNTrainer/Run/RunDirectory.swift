import BONNMethods
import Foundation

/// The folder of a run and the files in it, none of which is ever half written.
///
/// One process at a time may train in a folder; a lock that ends with the process sees to it. What
/// the folder holds is read after the lock, never before: before it, another process may just be
/// saving.
public final class RunDirectory {
    /// The path of the folder.
    public let path: String
    private let lock: Int32
    private let isNew: Bool

    /// Opens a folder, creates it where it is missing, and takes away what a save that was killed
    /// left. A folder that was created and stays without a run disappears with the value.
    ///
    /// - Throws: `.file` when it cannot be created, or when another process trains in it.
    public convenience init(_ path: String) throws(TrainingError) {
        // For a second: a process that another thread is just starting holds copies of all open
        // files, and so of a lock that was released meanwhile, until its own program begins.
        try self.init(path, attempts: 20)
    }

    /// The first of `name`, `name-2`, `name-3` ... that holds no run and in which nobody trains.
    ///
    /// - Throws: `.file` when a folder cannot be created.
    public static func firstFree(_ name: String) throws(TrainingError) -> RunDirectory {
        var number = 1
        while true {
            let path = number == 1 ? name : "\(name)-\(number)"
            // Looked at before the lock to leave the folders of others alone, and after it because
            // only then it counts.
            if !holdsRun(at: path) {
                do throws(TrainingError) {
                    let directory = try RunDirectory(path, attempts: 1)
                    if !directory.holdsRun { return directory }
                } catch  where error.code == .busy {}
            }
            number += 1
        }
    }

    private init(_ path: String, attempts: Int) throws(TrainingError) {
        (lock, isNew) = try Self.locked(path, attempts: attempts)
        self.path = path
        for file in Self.files { unlink(path + "/" + file + ".tmp") }
    }

    deinit {
        // The lock file goes before the lock: whoever waits for it looks whether it is still there.
        if isNew && !holdsRun && unlink(Self.lockPath(path)) == 0 { rmdir(path) }
        close(lock)
    }

    private static func lockPath(_ path: String) -> String { path + "/.lock" }

    private static func locked(
        _ path: String, attempts: Int
    ) throws(TrainingError) -> (descriptor: Int32, isNew: Bool) {
        let lockPath = lockPath(path)
        var isNew = false
        var tries = 0
        while true {
            isNew = try File.createFolder(path) || isNew
            // A link could never be the file that was opened, and would be tried for ever.
            let lock = File.retrying {
                open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
            }
            // The process that created the folder may just have taken it away.
            if lock < 0 && errno == ENOENT { continue }
            guard lock >= 0 else { throw File.failure(lockPath, "cannot write", errno) }
            guard File.isFile(lock) else {
                close(lock)
                throw File.notAFile(lockPath)
            }
            let result = File.retrying { flock(lock, LOCK_EX | LOCK_NB) }
            let reason = errno
            if result == 0 && File.isStill(lock, at: lockPath) { return (lock, isNew) }
            close(lock)
            if result == 0 { continue }
            guard reason == EWOULDBLOCK else { throw File.failure(path, "cannot lock", reason) }
            tries += 1
            guard tries < attempts else {
                throw TrainingError(.busy, "\(path): another process is training in this folder")
            }
            usleep(50_000)
        }
    }

    // MARK: Files

    private static let configurationFile = "config.yaml"
    private static let metricsFile = "metrics.csv"
    private static let layersFile = "layers.csv"
    private static let lastFile = "last.safetensors"
    private static let bestFile = "best.safetensors"
    private static let files = [
        configurationFile, metricsFile, layersFile, lastFile, bestFile,
    ]

    /// The complete, resolved recipe.
    public var configurationPath: String { path + "/" + Self.configurationFile }
    /// One row an epoch.
    public var metricsPath: String { path + "/" + Self.metricsFile }
    /// One row an epoch and layer.
    public var layersPath: String { path + "/" + Self.layersFile }
    /// The checkpoint that a run resumes from.
    public var lastPath: String { path + "/" + Self.lastFile }
    /// The checkpoint of the best epoch.
    public var bestPath: String { path + "/" + Self.bestFile }

    /// The checkpoint of an epoch that `run.keep_epochs` names.
    public func keptPath(epoch: Int) -> String { path + "/epoch-\(epoch).safetensors" }

    /// Whether any file of a run is in the folder.
    public var holdsRun: Bool { Self.holdsRun(at: path) }

    /// Whether any file of a run is in a folder that may not exist.
    public static func holdsRun(at folder: String) -> Bool {
        files.contains { File.exists(folder + "/" + $0) }
    }

    /// Writes config.yaml.
    ///
    /// - Throws: `.diskFull` or `.file`.
    public func write(_ configuration: TrainingConfiguration) throws(TrainingError) {
        try File.replace(configurationPath, with: Array(Recipe.yaml(configuration).utf8))
    }

    /// Writes the tables of a run when it starts and whenever it is saved: they follow the checkpoint, from
    /// which they can be written again.
    func observe(_ event: TrainingEvent, _ run: TrainingState) throws(TrainingError) {
        switch event {
        case .started, .saved: try writeTables(run)
        case .stage, .step, .objective, .skipped, .epoch: break
        }
    }

    /// Writes metrics.csv, and layers.csv where layers are recorded.
    ///
    /// - Throws: `.diskFull` or `.file`.
    public func writeTables(_ state: TrainingState) throws(TrainingError) {
        let table = MetricsTable.metrics(state.metrics, terms: state.progress.losses.names)
        try File.replace(metricsPath, with: Array(table.utf8))
        if !state.layers.isEmpty {
            try File.replace(layersPath, with: Array(MetricsTable.layers(state.layers).utf8))
        }
    }
}

/// What there is of a run to go on with.
public enum StoredRun: Sendable {
    /// A checkpoint.
    case checkpoint(Checkpoint)
    /// The recipe alone: the run was killed before its first checkpoint, and starts anew.
    case recipe(TrainingConfiguration)
}

extension RunDirectory {
    /// What there is to go on with; nil where no run was begun.
    ///
    /// - Throws: `.file` and `.checkpoint` for what cannot be read; `.file` where there are results
    ///   of a run, but neither its last checkpoint nor its recipe.
    public func storedRun() throws(TrainingError) -> StoredRun? { try Self.storedRun(at: path) }

    /// What there is in a folder that may not exist, in which another process may be training.
    ///
    /// - Throws: As `storedRun()`.
    public static func storedRun(at path: String) throws(TrainingError) -> StoredRun? {
        let lastPath = path + "/" + lastFile
        if File.exists(lastPath) { return .checkpoint(try Checkpoint(path: lastPath)) }
        let configurationPath = path + "/" + configurationFile
        if File.exists(configurationPath) {
            return .recipe(try Recipe.read(path: configurationPath, over: .ofOlderRuns))
        }
        guard !holdsRun(at: path) else {
            throw TrainingError(
                .file,
                "\(path): cannot go on: the folder holds files of a run, but neither "
                    + "\(lastFile) nor \(configurationFile)")
        }
        return nil
    }
}
