public import Foundation

/// A Python with the packages that a test needs, as an oracle independent of this code.
public struct PythonInterpreter: Sendable {
    /// The interpreter's command: a path, or a name that is looked up.
    public let command: String

    /// The first of `BONN_PYTHON`, `Training/.venv/bin/python` and `python3` that can import the
    /// packages; nil when none can.
    public static func find(importing packages: [String]) -> PythonInterpreter? {
        let environment = ProcessInfo.processInfo.environment["BONN_PYTHON"]
        let local = repository.appending(path: "Training/.venv/bin/python").path
        for command in [environment, local, "python3"] {
            guard let command else { continue }
            let python = PythonInterpreter(command: command)
            let imports = packages.map { "import \($0)" }.joined(separator: "; ")
            if let result = try? python.run(["-c", imports]), result.status == 0 { return python }
        }
        return nil
    }

    /// The folder of the repository.
    public static let repository = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Runs the interpreter in a folder and waits for its end.
    ///
    /// - Returns: the exit status, and standard output and error together.
    public func run(
        _ arguments: [String], in folder: URL? = nil
    ) throws -> (status: Int32, output: String) {
        try runCommand([command] + arguments, in: folder)
    }
}

/// Runs a program, which is looked up, in a folder and waits for its end.
///
/// - Returns: the exit status, and standard output and error together.
public func runCommand(
    _ command: [String], in folder: URL? = nil
) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    process.currentDirectoryURL = folder
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}

/// Runs `body` with the path of an empty folder that is removed afterwards.
public func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
        .appending(path: "bonn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}
