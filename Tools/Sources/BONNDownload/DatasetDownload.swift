public import BONNData
import BONNModelFormat

/// Fetches an archive, checks its sum, and unpacks it.
///
/// The data set appears under its name only when it is complete. Until then the archive is a hidden
/// file of the target folder, from which the next try goes on; what it unpacks to is hidden beside
/// it, and gone again when something fails.
public struct DatasetDownload: Sendable {
    /// What is fetched.
    public let archive: DatasetArchive
    /// The folder of the server; the name of the archive's file is appended.
    public let server: String
    /// How slow a server may be.
    var patience = Patience()

    /// Creates a download.
    public init(_ archive: DatasetArchive, server: String = DatasetArchive.authorsServer) {
        self.archive = archive
        self.server = server
    }

    /// Downloads into a folder, which is created if need be, and returns the folder of the data
    /// set; when that is there already and complete, nothing is fetched.
    ///
    /// Whatever the server sends, no more disk is used than the archive and what it unpacks to,
    /// and no more memory than network buffers: `curl`, which does the asking, is ended once its answer
    /// is not what it should be.
    /// - Parameters:
    ///   - progress: Called a few times a second with the bytes received and of all.
    /// - Throws: `DataError`: `.network`, `.checksum`, `.archive`, `.unwritable`, `.program` where
    ///   `curl` or `tar` is not installed, or that of the data set which was found there.
    public func run(
        into folder: String, progress: (_ received: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(DataError) -> String {
        let target = folder.appending(component: archive.folder)
        if try isThere(target) { return target }
        try Files.makeFolder(folder)
        let part = try PartialFile(folder.appending(component: ".\(archive.fileName).part"))
        defer { part.close() }
        // Another process may just have finished.
        if try isThere(target) {
            part.remove()
            return target
        }
        try fetch(into: part, progress)
        try unpack(part, to: target)
        part.remove()
        return target
    }

    private func isThere(_ target: String) throws(DataError) -> Bool {
        guard !StagedFolder.canFill(target) else { return false }
        do {
            _ = try DatasetSplits.open(target)
            return true
        } catch {
            throw DataError(
                error.code,
                "\(printable(target)): is there but not complete; remove it and try again (\(error))"
            )
        }
    }

    /// Makes the whole archive, with the right sum, out of the file: as it is, from where it ends,
    /// or from the start.
    private func fetch(
        into part: PartialFile, _ progress: (_ received: Int, _ total: Int) -> Void
    ) throws(DataError) {
        let file = HTTPFile(
            (server.hasSuffix("/") ? server : server + "/") + archive.fileName,
            size: archive.size, patience: patience)
        let kept = try part.size()
        if kept > archive.size { try part.truncate() }
        if (1...archive.size).contains(kept) {
            var isWhole = kept == archive.size
            if !isWhole { isWhole = try file.fetch(to: part, from: kept, progress) }
            if isWhole, try part.md5() == archive.md5 { return }
            // What was kept is of another archive, or damaged.
            try part.truncate()
        }
        _ = try file.fetch(to: part, from: 0, progress)
        let md5 = try part.md5()
        guard md5 == archive.md5 else {
            part.remove()
            throw DataError(
                .checksum,
                "\(file.address): MD5 sum \(md5), expected \(archive.md5); the download is damaged "
                    + "or is another file, try again")
        }
    }

    private func unpack(_ part: PartialFile, to target: String) throws(DataError) {
        let tar = TarArchive(part.path)
        do throws(DataError) {
            let entries = try tar.entries(below: archive.folder)
            try StagedFolder.fill(target) { staged throws(DataError) in
                for entry in entries { staged.expect(entry.name, isFolder: entry.isFolder) }
                try tar.unpack(into: staged.path)
                _ = try DatasetSplits.open(staged.path)
            }
        } catch {
            throw DataError(
                error.code,
                "\(error.message); the archive stays at \(printable(part.path)), the next try begins "
                    + "with it")
        }
    }
}
