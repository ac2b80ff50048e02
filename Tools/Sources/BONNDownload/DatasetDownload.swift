public import BONNData
import Foundation

/// Fetches an archive, checks its sum, and unpacks it.
///
/// The data set appears under its name only when it is complete: the archive and what it unpacks
/// to are hidden files of the target folder until then, which the next try replaces.
public struct DatasetDownload: Sendable {
    /// What is fetched.
    public let archive: DatasetArchive
    /// The folder of the server; the name of the archive's file is appended.
    public let server: String

    /// Creates a download.
    public init(_ archive: DatasetArchive, server: String = DatasetArchive.authorsServer) {
        self.archive = archive
        self.server = server
    }

    /// Downloads into a folder, which is created if need be, and returns the folder of the data
    /// set; when that is there already and complete, nothing is fetched.
    /// - Parameters:
    ///   - progress: Called a few times a second with the bytes received and, where the server
    ///     tells it, their total.
    /// - Throws: `DataError`: `.network`, `.checksum`, `.archive`, `.unwritable`, or that of the
    ///   data set which was found there.
    public func run(
        into folder: String, progress: (_ received: Int, _ total: Int?) -> Void = { _, _ in }
    ) throws(DataError) -> String {
        let target = folder.appending(component: archive.folder)
        if Files.exists(target) {
            do {
                _ = try DatasetSplits.open(target)
                return target
            } catch {
                throw DataError(
                    error.code,
                    "\(target): is there but not complete; remove it and try again (\(error))")
            }
        }
        try Files.makeFolder(folder)
        let packed = folder.appending(component: ".\(archive.fileName).part")
        let unpacked = folder.appending(component: ".\(archive.folder).part")
        defer {
            Files.remove(packed)
            Files.remove(unpacked)
        }
        let url = (server.hasSuffix("/") ? server : server + "/") + archive.fileName
        let md5 = try HTTPFile(url).fetch(to: packed, progress: progress)
        guard md5 == archive.md5 else {
            throw DataError(
                .checksum,
                "\(url): MD5 sum \(md5), expected \(archive.md5); the download is damaged or is "
                    + "another file, try again")
        }
        Files.remove(unpacked)
        try Files.makeFolder(unpacked)
        try TarArchive(packed).unpack(into: unpacked)
        let inner = unpacked.appending(component: archive.folder)
        guard Files.isFolder(inner) else {
            throw DataError(
                .archive,
                "\(url): holds no folder \(archive.folder), found "
                    + DatasetFolder.listed(try Files.names(in: unpacked)))
        }
        _ = try DatasetSplits.open(inner)
        try Files.move(inner, to: target)
        return target
    }
}

/// A gzipped tar file, unpacked by the `tar` of the system.
struct TarArchive {
    private let path: String

    init(_ path: String) {
        self.path = path
    }

    /// Unpacks everything into a folder that exists.
    func unpack(into folder: String) throws(DataError) {
        let process = Process()
        let complaints = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["tar", "-xzf", path, "-C", folder, "--no-same-owner"]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = complaints
        do {
            try process.run()
        } catch {
            throw DataError(.archive, "cannot run tar to unpack \(path): \(Files.reason(error))")
        }
        let said = String(
            decoding: complaints.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let first = said.split(separator: "\n").first.map(String.init) ?? "no message"
            // 127 is what env answers when there is no such program.
            throw DataError(
                .archive,
                process.terminationStatus == 127
                    ? "the program tar is needed to unpack \(path) and is not installed"
                    : "\(path): tar cannot unpack it: \(first)")
        }
    }
}
