import BONNData
import BONNModelFormat
import Dispatch
import Foundation
import Synchronization

/// A gzipped tar file, listed and unpacked by the `tar` of the system.
struct TarArchive {
    /// A file or folder in an archive.
    struct Entry: Equatable {
        let name: String
        let isFolder: Bool
    }

    private let path: String

    init(_ path: String) {
        self.path = path
    }

    /// What is in a folder of the archive, without its name, folders before what is in them.
    ///
    /// - Throws: `.archive` where there is anything else in the archive.
    func entries(below folder: String) throws(DataError) -> [Entry] {
        let lines = try tar(["-tzf", path]).split(separator: "\n").map(String.init)
        var folders: Set<String> = []
        var files: [String] = []
        for line in lines {
            let parts = line.split(separator: "/", omittingEmptySubsequences: false)
                .map(String.init)
            let isFolder = parts.last == ""
            let names = isFolder ? parts.dropLast() : parts[...]
            guard names.first == folder else {
                throw DataError(
                    .archive,
                    "\(printable(path)): holds \(printable(line, limit: 100)), expected nothing "
                        + "outside the folder \(folder)")
            }
            // tar writes what is not plain text with backslashes.
            guard names.allSatisfy({ !["", ".", ".."].contains($0) && !$0.contains("\\") }) else {
                throw DataError(
                    .archive,
                    "\(printable(path)): holds \(printable(line, limit: 100)), expected plain names"
                )
            }
            let inner = Array(names.dropFirst())
            for depth in 0..<inner.count where depth > 0 {
                folders.insert(inner[..<depth].joined(separator: "/"))
            }
            let name = inner.joined(separator: "/")
            if isFolder {
                folders.insert(name)
            } else {
                files.append(name)
            }
        }
        folders.remove("")
        return folders.sorted().map { Entry(name: $0, isFolder: true) }
            + files.map { Entry(name: $0, isFolder: false) }
    }

    /// Unpacks what is in the archive's folder into one that exists.
    func unpack(into folder: String) throws(DataError) {
        _ = try tar(["-xzf", path, "-C", folder, "--strip-components", "1", "--no-same-owner"])
    }

    /// Runs tar and returns what it prints.
    private func tar(_ arguments: [String]) throws(DataError) -> String {
        let process = Process()
        let (output, complaints) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["tar"] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = complaints
        do {
            try process.run()
        } catch {
            throw DataError(
                .archive,
                "cannot run tar to unpack \(printable(path)): \(printable(Files.reason(error)))")
        }
        // Both are read at once: tar waits for the reader of either.
        let printed = ReadToEnd(output.fileHandleForReading)
        let said = String(
            decoding: complaints.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let names = printed.wait()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            // 127 is what env answers when there is no such program.
            let first = said.split(separator: "\n").first.map(String.init) ?? "no message"
            throw DataError(
                .archive,
                process.terminationStatus == 127
                    ? "the program tar is needed to unpack \(printable(path)) and is not installed"
                    : "\(printable(path)): tar cannot unpack it: "
                        + printable(first, limit: 300))
        }
        return String(decoding: names, as: UTF8.self)
    }
}

/// Reads a pipe to its end on a thread of its own.
private final class ReadToEnd: Sendable {
    private let data = Mutex(Data())
    private let isOver = DispatchSemaphore(value: 0)

    init(_ handle: FileHandle) {
        Thread.detachNewThread { [self] in
            data.withLock { $0 = handle.readDataToEndOfFile() }
            isOver.signal()
        }
    }

    func wait() -> Data {
        isOver.wait()
        return data.withLock { $0 }
    }
}
