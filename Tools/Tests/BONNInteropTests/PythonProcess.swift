import Foundation

/// A Python with the packages that a test needs, as an oracle independent of this code.
struct PythonProcess {
    let command: String

    /// The first of `BONN_PYTHON`, `Training/.venv/bin/python` and `python3` that can import a package; nil
    /// when none can.
    static func find(importing package: String) -> PythonProcess? {
        let named = ProcessInfo.processInfo.environment["BONN_PYTHON"].map { [$0] } ?? []
        let repository = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../..").standardized
        let local = repository.appending(path: "Training/.venv/bin/python").path
        return (named + [local, "python3"]).map(PythonProcess.init).first { python in
            (try? python.run(["-c", "import \(package)"]))?.status == 0
        }
    }

    /// Runs the interpreter in a folder and waits for its end.
    ///
    /// - Returns: the exit status, and standard output and error together.
    func run(
        _ arguments: [String], in folder: URL? = nil
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [command] + arguments
        process.currentDirectoryURL = folder
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
