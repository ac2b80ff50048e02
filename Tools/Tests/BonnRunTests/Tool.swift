import BONNModelFormat
import Foundation
import Testing

/// The `bonn-run` that was built beside these tests, run to its end as a process of its own.
struct Tool {
    /// The exit code.
    let status: Int32
    /// Everything on standard output.
    let output: String
    /// The lines on standard error.
    let errors: [String]

    /// Runs the tool.
    init(_ arguments: String...) throws { try self.init(arguments) }

    /// Runs the tool.
    init(_ arguments: [String]) throws {
        try self.init(program: try Self.executable(), arguments)
    }

    /// Runs the tool in a shell, with a redirection or a pipe behind its arguments.
    init(_ arguments: [String], shell redirection: String) throws {
        let tool = try Self.executable().path
        try self.init(
            program: URL(fileURLWithPath: "/bin/sh"),
            ["-c", "\"$0\" \"$@\" \(redirection)", tool] + arguments)
    }

    /// Runs the tool with an output that nobody will ever read.
    init(withoutReader arguments: [String]) throws {
        let out = Pipe()
        try out.fileHandleForReading.close()
        try self.init(program: try Self.executable(), arguments, output: out)
    }

    private init(program: URL, _ arguments: [String], output out: Pipe = Pipe()) throws {
        let process = Process()
        let err = Pipe()
        process.executableURL = program
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = out
        process.standardError = err
        try process.run()
        // Standard error is a few lines, which its pipe holds while the output is read.
        let data = try? out.fileHandleForReading.readToEnd()
        output = String(decoding: data ?? Data(), as: UTF8.self)
        errors = String(decoding: err.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            .split(separator: "\n").map(String.init)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit, "killed: \(arguments)")
        status = process.terminationStatus
    }

    /// The output as JSON; the run must have succeeded without a word on standard error.
    static func json(_ arguments: String...) throws -> JSONValue {
        let run = try Tool(arguments + ["--json"])
        #expect(run.status == 0, "\(arguments)")
        #expect(run.errors.isEmpty, "\(arguments)")
        return try run.json()
    }

    /// The output as JSON.
    func json() throws -> JSONValue { try JSONValue(parsing: output, place: "standard output") }

    /// The output as JSON, one value a line.
    func jsonLines() throws -> [JSONValue] {
        try output.split(separator: "\n").map { try JSONValue(parsing: String($0), place: "line") }
    }

    /// The program.
    static func executable() throws -> URL {
        let bundles = CommandLine.arguments.filter { $0.contains(".xctest") }
        let bundle = try #require(bundles.first ?? Bundle.main.executablePath)
        var folder = URL(fileURLWithPath: bundle).deletingLastPathComponent()
        for _ in 0..<4 {
            let tool = folder.appendingPathComponent("bonn-run")
            if FileManager.default.isExecutableFile(atPath: tool.path) { return tool }
            folder.deleteLastPathComponent()
        }
        throw MissingTool(bundle: bundle)
    }

    private struct MissingTool: Error {
        let bundle: String
    }
}

extension JSONValue {
    /// The keys of an object in their order.
    var keys: [Name] {
        guard case .object(let members) = self else { return [] }
        return members.map(\.key)
    }

    /// The elements of an array.
    var elements: [JSONValue] {
        guard case .array(let values) = self else { return [] }
        return values
    }

    /// The value of a number.
    var number: JSONNumber? {
        guard case .number(let number) = self else { return nil }
        return number
    }

    /// The characters of a string.
    var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The value of a key; null where there is none.
    subscript(key: Name) -> JSONValue {
        guard case .object(let members) = self else { return .null }
        return members.first { $0.key == key }?.value ?? .null
    }
}
