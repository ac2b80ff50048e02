import Foundation

/// The folder of a run and the files in it, none of which is ever half written.
///
/// One process at a time may train in a folder; a lock that ends with the process sees to it.
public final class RunDirectory {
    /// The path of the folder.
    public let path: String
    private let lock: Int32

    /// Opens a folder, and creates it where it is missing.
    ///
    /// - Throws: `.file` when it cannot be created, or when another process trains in it.
    public init(_ path: String) throws(TrainingError) {
        try File.createFolder(path)
        self.path = path
        let lockPath = path + "/.lock"
        lock = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard lock >= 0 else {
            throw TrainingError(
                .file, "\(path): cannot write: \(String(cString: strerror(errno)))")
        }
        guard Self.acquire(lock) else {
            close(lock)
            throw TrainingError(.file, "\(path): another process is training in this folder")
        }
    }

    deinit { close(lock) }

    /// Tries for a second: a process that another thread is just starting holds copies of all open
    /// files, and so of a lock that was released meanwhile, until its own program begins.
    private static func acquire(_ lock: Int32) -> Bool {
        for _ in 0..<20 {
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { return true }
            usleep(50_000)
        }
        return false
    }

    /// The complete, resolved recipe.
    public var configurationPath: String { Self.configurationPath(in: path) }
    /// One row an epoch.
    public var metricsPath: String { path + "/metrics.csv" }
    /// One row an epoch and layer.
    public var layersPath: String { path + "/layers.csv" }
    /// The checkpoint that a run resumes from.
    public var lastPath: String { Self.lastPath(in: path) }
    /// The checkpoint with the best test top-1.
    public var bestPath: String { path + "/best.safetensors" }

    /// The recipe of a run in a folder.
    public static func configurationPath(in folder: String) -> String { folder + "/config.yaml" }
    /// The checkpoint that a run in a folder resumes from.
    public static func lastPath(in folder: String) -> String { folder + "/last.safetensors" }
    /// Whether a run was begun in a folder.
    public static func holdsRun(at folder: String) -> Bool {
        File.exists(lastPath(in: folder)) || File.exists(configurationPath(in: folder))
    }

    /// Writes config.yaml.
    ///
    /// - Throws: `.diskFull` or `.file`.
    public func write(_ configuration: TrainingConfiguration) throws(TrainingError) {
        try File.replace(configurationPath, with: Array(Recipe.yaml(configuration).utf8))
    }

    /// Writes metrics.csv, and layers.csv where layers are recorded.
    ///
    /// - Throws: `.diskFull` or `.file`.
    public func writeTables(_ state: TrainingState) throws(TrainingError) {
        try File.replace(metricsPath, with: Array(MetricsTable.metrics(state.metrics).utf8))
        if !state.layers.isEmpty {
            try File.replace(layersPath, with: Array(MetricsTable.layers(state.layers).utf8))
        }
    }
}
