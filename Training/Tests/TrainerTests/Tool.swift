import Foundation
import Testing

/// The command-line tool that was built beside these tests, or another program, run as a process of its
/// own.
struct Tool {
    /// How a process ended.
    struct Ending {
        var status: Int32
        var wasKilled: Bool
        var output: String
        var errors: String
    }

    private let process = Process()
    private let scratch = TemporaryFolder()

    /// Starts the tool, or the program at a path, in a folder and with additions to the environment.
    init(
        _ arguments: [String], program: String? = nil, in folder: String? = nil,
        environment: [String: String] = [:]
    ) throws {
        process.executableURL = try program.map { URL(fileURLWithPath: $0) } ?? Self.executable()
        process.arguments = arguments
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        process.environment = ProcessInfo.processInfo.environment
            .merging(environment) { _, new in new }
        process.standardOutput = try Self.file(scratch.path + "/out")
        process.standardError = try Self.file(scratch.path + "/err")
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    /// Runs a line of the shell, in which `"$@"` is the tool with its arguments.
    static func shell(
        _ line: String, _ arguments: [String], in folder: String? = nil
    ) throws -> Ending {
        let tool = try executable().path
        return try Tool(
            ["-c", line, "sh", tool] + arguments, program: "/bin/sh", in: folder
        ).wait()
    }

    /// Runs the tool to its end.
    static func run(_ arguments: String...) throws -> Ending {
        try Tool(arguments).wait()
    }

    /// The process, for signals and for what the system tells of it.
    var identifier: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }

    /// Waits for the end.
    func wait() throws -> Ending {
        process.waitUntilExit()
        return Ending(
            status: process.terminationStatus,
            wasKilled: process.terminationReason == .uncaughtSignal,
            output: try String(contentsOfFile: scratch.path + "/out", encoding: .utf8),
            errors: try String(contentsOfFile: scratch.path + "/err", encoding: .utf8))
    }

    private static func file(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(fileURLWithPath: path))
        return try #require(FileHandle(forWritingAtPath: path))
    }

    /// Where the tool, or another program beside these tests, was built.
    static func executable(_ name: String = "bonn") throws -> URL {
        let bundles = CommandLine.arguments.filter { $0.contains(".xctest") }
        let bundle = try #require(bundles.first ?? Bundle.main.executablePath)
        var folder = URL(fileURLWithPath: bundle).deletingLastPathComponent()
        for _ in 0..<4 {
            let tool = folder.appendingPathComponent(name)
            if FileManager.default.isExecutableFile(atPath: tool.path) { return tool }
            folder.deleteLastPathComponent()
        }
        throw TestFailure("no executable \(name) beside \(bundle)")
    }
}

/// Why a test cannot go on.
struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
