import BONNData
import Foundation
import Testing

@testable import BONNTrainer

@Suite struct RunDirectoryTests {
    private let folder = TemporaryFolder()

    private func contents(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    @Test func `one process at a time trains in a folder`() throws {
        let path = folder.path + "/deep/run"
        var first: RunDirectory? = try RunDirectory(path)
        #expect(first?.holdsRun == false)
        let found = message { _ = try RunDirectory(path) }
        #expect(found?.contains("another process is training") == true)
        first = nil
        _ = try RunDirectory(path)
        try File.replace(folder.path + "/file", with: [])
        #expect(message { _ = try RunDirectory(folder.path + "/file") }?.contains("file") == true)
    }

    @Test(arguments: [
        "config.yaml", "metrics.csv", "layers.csv", "last.safetensors", "best.safetensors",
    ])
    func `any file of a run makes a folder one that holds a run`(file: String) throws {
        let path = folder.path + "/run"
        let directory = try RunDirectory(path)
        #expect(!directory.holdsRun)
        try File.replace(path + "/notes.txt", with: [])
        #expect(!directory.holdsRun)
        try File.replace(path + "/" + file, with: [])
        #expect(directory.holdsRun && RunDirectory.holdsRun(at: path))
        let next = try RunDirectory.firstFree(path)
        #expect(next.path == path + "-2")
    }

    /// Its checkpoint may be on a disk that is not mounted: to begin anew would write over the run.
    @Test func `a checkpoint that is a link to nothing is not one that never was`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/run"
        let directory = try RunDirectory(path)
        try directory.write(TrainingConfiguration())
        #expect(symlink(folder.path + "/gone", directory.lastPath) == 0)
        #expect(directory.holdsRun)
        let error = #expect(throws: TrainingError.self) { _ = try directory.storedRun() }
        #expect(error?.code == .file && error?.message.hasPrefix(directory.lastPath) == true)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a link or a pipe in the place of the lock is an error and not a wait`() throws {
        let folder = TemporaryFolder()
        let lock = folder.path + "/.lock"
        #expect(symlink(folder.path + "/elsewhere", lock) == 0)
        for _ in 0..<2 {
            let error = #expect(throws: TrainingError.self) { _ = try RunDirectory(folder.path) }
            #expect(error?.message.hasPrefix(lock + ": ") == true)
            #expect(error?.code == .file)
            unlink(lock)
            try #require(mkfifo(lock, 0o600) == 0)
        }
        unlink(lock)
        _ = try RunDirectory(folder.path)
    }

    @Test func `results without checkpoint and recipe cannot be gone on with`() throws {
        let directory = try RunDirectory(folder.path + "/run")
        #expect(try directory.storedRun() == nil)
        try directory.writeTables(TrainingState())
        let found = message { _ = try directory.storedRun() }
        #expect(found?.contains("neither last.safetensors nor config.yaml") == true)
        try directory.write(smallConfiguration())
        guard case .recipe(let stored)? = try directory.storedRun() else {
            Issue.record("the recipe was not found")
            return
        }
        #expect(stored == smallConfiguration())
    }

    @Test func `a folder in which somebody trains is not free, and neither is one of a run`() throws
    {
        let name = folder.path + "/runs/r"
        let directories = try (1...4).map { _ in try RunDirectory.firstFree(name) }
        #expect(directories.map(\.path) == [name, name + "-2", name + "-3", name + "-4"])
    }

    @Test func `a new folder in which no run begins disappears, and others stay`() throws {
        let path = folder.path + "/run"
        _ = try RunDirectory(path)
        #expect(try contents(folder.path) == [])
        try File.createFolder(path)
        try File.replace(path + "/notes.txt", with: [])
        _ = try RunDirectory(path)
        #expect(try contents(path) == [".lock", "notes.txt"])
    }

    @Test func `what a killed save left is taken away, and nothing else`() throws {
        let path = folder.path + "/run"
        try File.createFolder(path)
        for file in ["last.safetensors.tmp", "metrics.csv.tmp", "mine.tmp"] {
            try File.replace(path + "/" + file, with: [1, 2, 3])
        }
        let directory = try RunDirectory(path)
        #expect(try contents(directory.path) == [".lock", "mine.tmp"])
    }

    @Test func `threads that open and leave one new folder never hold it together`() throws {
        let path = folder.path + "/run"
        let inside = Counter()
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            var random = SeededGenerator(seed: 5, stream: UInt64(thread))
            for _ in 0..<40 {
                // Each time the folder is created, locked, removed or handed on.
                guard let directory = try? RunDirectory(path) else { continue }
                withExtendedLifetime(directory) {
                    inside.enter()
                    usleep(UInt32(random.integer(below: 300)))
                    inside.leave()
                }
            }
        }
        #expect(inside.most == 1 && inside.entries > 40)
        #expect(try contents(folder.path) == [])
    }
}

/// How many threads were somewhere at once.
private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var present = 0
    private(set) var most = 0
    private(set) var entries = 0

    func enter() {
        lock.withLock {
            present += 1
            entries += 1
            most = max(most, present)
        }
    }

    func leave() { lock.withLock { present -= 1 } }
}
