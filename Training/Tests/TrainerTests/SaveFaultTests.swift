import BONNData
import BONNModelFormat
import Foundation
import Testing

@testable import BONNTrainer

/// Saves during which a call of the system fails.
@Suite(
    .serialized,
    .enabled(
        if: FaultLibrary.isAvailable,
        "needs Linux, where LD_PRELOAD can stand in front of the C library")
)
struct SaveFaultTests {
    private let folder = TemporaryFolder()

    /// How many calls of whole runs fail: some every day, all of them in `make test-long`.
    private static let runs =
        ProcessInfo.processInfo.environment["BONN_FAULTS"].flatMap { Int($0) } ?? 12

    @Test func `whichever call of a save fails, the old file or the new one is whole`() throws {
        let library = try FaultLibrary(in: folder.path)
        let ending = try Tool(
            [folder.path + "/files"], program: Tool.executable("SaveProbe").path,
            environment: library.environment
        ).wait()
        try #require(ending.status == 0, "\(ending)")
        var cases = 0
        var seen: Set<String> = []
        for line in ending.output.split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            try #require(fields.count == 9, "\(line)")
            let (kind, call, code, state) = (fields[1], fields[3], fields[4], fields[5])
            cases += 1
            seen.insert(call)
            #expect(["old", "new", "none"].contains(state), "\(line)")
            // Without an error the new file is there; a message is one line.
            #expect(code != "-" || state == "new", "\(line)")
            #expect(fields[6] == (code == "-" ? "0" : "1"), "\(line)")
            if ["eintr", "short"].contains(kind) { #expect(code == "-", "\(line)") }
            // Nothing is lost when a file is closed after it was forced to the disk, nor when what a
            // killed save may have left cannot be removed.
            if kind == "eio" && call != "close" { #expect(code == "file", "\(line)") }
            if kind == "enospc" && call != "close" { #expect(code == "diskFull", "\(line)") }
            #expect(fields[7] == "0" && fields[8] == "0", "\(line)")
        }
        #expect(seen.isSuperset(of: ["open", "write", "fsync", "rename", "ftruncate", "close"]))
        print("\(cases) failures of \(seen.sorted().joined(separator: ", "))")
    }

    @Test
    func `whichever call of a run fails, it says so in a line and goes on with the same bits`()
        throws
    {
        let library = try FaultLibrary(in: folder.path)
        let whole = folder.path + "/whole"
        let counted = try start(library, "eio", .max, whole)
        try #require(counted.status == 0, "\(counted)")
        let reference = try RunResult(whole)
        let calls = try library.failure(in: folder.path).calls
        try #require(calls > 50)
        var random = SeededGenerator(seed: 41)
        let kinds = ["eio", "enospc", "eintr", "short", "dead"]
        var cases = kinds.flatMap { kind in (1...calls).map { (kind, $0) } }
        cases.shuffle(using: &random)
        for (kind, call) in cases.prefix(Self.runs) {
            let path = folder.path + "/\(kind)-\(call)"
            let ending = try start(library, kind, call, path)
            let place: Comment =
                "\(kind) at call \(call), \(try library.failure(in: folder.path).name)"
            if ["eintr", "short"].contains(kind) { #expect(ending.status == 0, place) }
            #expect(ending.status == 0 || ending.status == 1, place)
            if ending.status == 1 {
                #expect(ending.errors.hasPrefix("Error: \(path)"), place)
                #expect(
                    ending.errors.split(separator: "\n").count == 1, "\(place): \(ending.errors)")
            }
            let resumed = try Tool(
                tinyRun(epochs: 2) + ["--output", path, "--resume-or-start"]
            ).wait()
            #expect(resumed.status == 0, "\(place): \(resumed)")
            let difference = try RunResult(path).difference(from: reference)
            #expect(difference == nil, place)
            let files = try FileManager.default.contentsOfDirectory(atPath: path)
            #expect(!files.contains { $0.hasSuffix(".tmp") }, "\(place): \(files)")
            try FileManager.default.removeItem(atPath: path)
        }
    }

    @Test func `whichever call of an export fails, the old model or the new one is whole`() throws {
        let library = try FaultLibrary(in: folder.path)
        let path = folder.path + "/run"
        let trained = try Tool(tinyRun(epochs: 1) + ["--output", path]).wait()
        try #require(trained.status == 0, "\(trained)")
        let models = folder.path + "/models"
        try File.createFolder(models)
        func export(_ kind: String, _ call: Int, images: Int) throws -> Tool.Ending {
            try Tool(
                [
                    "export", path + "/best.safetensors", "--output", models + "/m.bonn",
                    "--images",
                    "\(images)",
                ], environment: library.environment(kind, call, below: models, log: folder.path)
            ).wait()
        }
        func model() throws -> (bytes: [UInt8], images: Int?) {
            let bytes = try File.bytes(of: models + "/m.bonn")
            return (bytes, try ModelFile(bytes: bytes).metadata.parity?.images)
        }
        try #require(try export("eio", .max, images: 3).status == 0)
        let calls = try library.failure(in: folder.path).calls
        try #require(calls >= 7)
        let old = try model().bytes
        // Every kind at every call is in the test of single saves.
        let kinds = ["eio", "enospc", "short", "eintr"]
        for call in 1...calls {
            let kind = kinds[call % kinds.count]
            try File.replace(models + "/m.bonn", with: old)
            let ending = try export(kind, call, images: 2)
            let name = try library.failure(in: folder.path).name
            let found = try model()
            #expect(found.images == 2 || found.bytes == old, "\(kind) at \(call), \(name)")
            if ending.status == 0 {
                #expect(found.images == 2, "\(kind) at \(call), \(name)")
            } else {
                #expect(ending.status == 1 && ending.output.isEmpty, "\(ending)")
                #expect(ending.errors.hasPrefix("Error: \(models)/m.bonn: "), "\(ending)")
                #expect(ending.errors.split(separator: "\n").count == 1, "\(ending)")
            }
        }
        try #require(try export("eio", .max, images: 3).status == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: models) == ["m.bonn"])
    }

    private func start(
        _ library: FaultLibrary, _ kind: String, _ call: Int, _ path: String
    ) throws -> Tool.Ending {
        try Tool(
            tinyRun(epochs: 2) + ["--output", path],
            environment: library.environment(kind, call, below: path, log: folder.path)
        ).wait()
    }
}

/// `Faults/faults.c`, compiled.
struct FaultLibrary {
    private let path: String

    static var isAvailable: Bool {
        #if os(Linux)
            compiler != nil
        #else
            false
        #endif
    }

    private static var compiler: String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return ["clang", "cc"].lazy.flatMap { name in folders.map { "\($0)/\(name)" } }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    init(in folder: String) throws {
        path = folder + "/libfaults.so"
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Faults/faults.c").path
        let compiler: String = try #require(Self.compiler)
        let ending = try Tool(
            ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", path, source, "-ldl"],
            program: compiler
        ).wait()
        try #require(ending.status == 0, "\(ending.errors)")
    }

    /// Loads the library and lets nothing fail.
    var environment: [String: String] { ["LD_PRELOAD": path] }

    /// Lets a call fail that concerns something below a folder; `log` is the folder of the log.
    func environment(
        _ kind: String, _ call: Int, below folder: String, log: String
    ) -> [String: String] {
        [
            "LD_PRELOAD": path, "BONN_FAULT_FOLDER": folder, "BONN_FAULT_KIND": kind,
            "BONN_FAULT_CALL": "\(min(call, Int(Int32.max)))", "BONN_FAULT_LOG": log + "/calls",
        ]
    }

    /// How many calls there were, and which one failed.
    func failure(in folder: String) throws -> (calls: Int, name: String) {
        let fields = try String(contentsOfFile: folder + "/calls", encoding: .utf8)
            .split { $0.isWhitespace }
        return (try #require(Int(fields[0])), String(fields[1]))
    }
}
