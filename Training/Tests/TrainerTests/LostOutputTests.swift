import BONNModelFormat
import Foundation
import Testing

@testable import BONNTrainer

/// Standard streams that cannot be written, or are closed.
@Suite(.serialized) struct LostOutputTests {
    private let folder = TemporaryFolder()
    private static let hasFullDevice = FileManager.default.fileExists(atPath: "/dev/full")

    private func run(_ line: String, _ arguments: [String]) throws -> Tool.Ending {
        try Tool.shell(line, arguments, in: folder.path)
    }

    private func trained() throws -> String {
        let ending = try run(#""$@""#, tinyRun(epochs: 1) + ["--output", "run"])
        try #require(ending.status == 0, "\(ending)")
        return "run/best.safetensors"
    }

    /// All commands that answer and leave no file.
    private func answers(_ checkpoint: String) -> [[String]] {
        [
            ["evaluate", checkpoint, "--data", "synthetic:40"],
            ["evaluate", checkpoint, "--data", "synthetic:40", "--json"],
            ["summary", checkpoint], ["summary", "--json"], ["recipe"], ["methods"], ["models"],
            ["data", "info", "synthetic:40"], ["--help"], ["train", "--help"],
            [
                "benchmark", "--widths", "2-2-2-2", "--batch-size", "2", "--steps", "1",
                "--image-size", "8", "--threads", "1",
            ],
        ]
    }

    @Test(.enabled(if: hasFullDevice, "needs the device /dev/full of Linux"))
    func `an answer that is lost is one line and exit code 1`() throws {
        let checkpoint = try trained()
        let verify = try model(of: checkpoint).verify
        for command in answers(checkpoint) + [verify] {
            let ending = try run(#""$@" >/dev/full"#, command)
            #expect(ending.status == 1, "\(command): \(ending)")
            let expected = "Error: standard output cannot be written: No space left on device\n"
            #expect(ending.errors.hasSuffix(expected), "\(command): \(ending)")
        }
        let convert = ["data", "convert", "synthetic:20", "--to", "images", "--output", "images"]
        #expect(try run(#""$@" >/dev/full"#, convert).status == 1)
    }

    @Test(.enabled(if: hasFullDevice, "needs the device /dev/full of Linux"))
    func `a model is complete before its export says so`() throws {
        let checkpoint = try trained()
        let command = ["export", checkpoint, "--output", "lost.bonn", "--images", "4"]
        let ending = try run(#""$@" >/dev/full"#, command)
        #expect(ending.status == 1 && ending.errors.contains("standard output cannot be written"))
        let model = try ModelFile(bytes: File.bytes(of: folder.path + "/lost.bonn"))
        #expect(model.metadata.parity?.images == 4)
    }

    @Test func `a reader that is gone ends a command without a word`() throws {
        let checkpoint = try trained()
        for command in answers(checkpoint) {
            // The reader is gone before the command begins.
            let line = #"{ sleep 0.1; "$@" 2>errors; echo $? >status; } | true; cat errors status"#
            let ending = try run(line, command)
            #expect(ending.output == "141\n", "\(command): \(ending)")
        }
    }

    @Test(.enabled(if: hasFullDevice, "needs the device /dev/full of Linux"))
    func `a run goes on without its lines and says so at the end`() throws {
        let lines = [
            ("full", #""$@" >/dev/full"#, "No space left on device"),
            (
                "gone",
                #"{ sleep 0.1; "$@" 2>errors; echo $? >status; } | true; cat errors >&2; exit $(cat status)"#,
                "Broken pipe"
            ),
            ("both", #""$@" >/dev/full 2>/dev/full"#, ""),
            ("closed", #""$@" >&- 2>&- <&-"#, ""),
            ("closed-output", #""$@" >&-"#, "Bad file descriptor"),
        ]
        let whole = try run(#""$@""#, tinyRun(epochs: 2) + ["--output", "whole"])
        #expect(whole.status == 0 && whole.errors.isEmpty)
        let reference = try RunResult(folder.path + "/whole")
        for (name, line, reason) in lines {
            let ending = try run(line, tinyRun(epochs: 2) + ["--output", name])
            #expect(ending.status == 0 && ending.output.isEmpty, "\(name): \(ending)")
            if reason.isEmpty {
                #expect(ending.errors.isEmpty, "\(ending)")
            } else {
                let lost = #/\d+ lines lost: standard output cannot be written: (.*)\n/#
                let match = try #require(try lost.wholeMatch(in: ending.errors), "\(ending)")
                #expect(match.1 == reason)
                #expect(ending.errors.split(separator: "\n").count == 1)
            }
            let difference = try RunResult(folder.path + "/" + name).difference(from: reference)
            #expect(difference == nil, "\(name)")
            // Nothing was written into a file that happened to have the number of a stream.
            #expect(try File.bytes(of: folder.path + "/\(name)/.lock").isEmpty, "\(name)")
        }
        let lost = try run(
            #""$@" >/dev/full"#, tinyRun(epochs: 1) + ["--output", "json", "--json"])
        #expect(
            lost.status == 1 && lost.errors.contains("Error: standard output cannot be written"),
            "\(lost)")
    }

    @Test func `a run whose terminal hangs up is saved, unless it was told to outlive it`() throws {
        let ignoring = try run(
            #"trap '' HUP; "$@" >/dev/null & sleep 0.7; kill -HUP $!; wait $!"#,
            tinyRun(epochs: 30) + ["--output", "nohup"])
        #expect(ignoring.status == 0, "\(ignoring)")
        let last = try Checkpoint(path: folder.path + "/nohup/last.safetensors")
        #expect(last.state.epoch == 30)
    }

    private func model(of checkpoint: String) throws -> (path: String, verify: [String]) {
        let command = ["export", checkpoint, "--output", "m.bonn", "--images", "4"]
        let ending = try run(#""$@""#, command)
        try #require(ending.status == 0, "\(ending)")
        return ("m.bonn", ["verify", checkpoint, "m.bonn", "--data", "synthetic:40"])
    }
}
