import BONNImage
import BONNImageIO
import BONNModelFormat
import Foundation

/// A folder in the making: what is written stays hidden until `publish` shows all of it under the
/// folder's name.
///
/// A new folder is written beside its place and renamed. One that is there and empty, perhaps `.`,
/// a link or a mount point, stays itself: it is filled from a hidden folder in it. Only what this
/// value made is ever removed, by name; what others put beside it stays, and is never written over.
package struct StagedFolder {
    /// Where things are until they are published.
    package let path: String
    private let target: String
    private let isTargetNew: Bool
    /// What was made in `path`, and the folders above it, in this order.
    private var entries: [Entry] = []
    private var parents: [String] = []

    private struct Entry {
        let name: String
        let isFolder: Bool
    }

    /// Makes the hidden folder.
    ///
    /// - Throws: `.unwritable` where the target is neither new nor an empty folder, or where nothing
    ///   can be written there.
    init(for folder: String) throws(DataError) {
        target = Self.plain(folder)
        isTargetNew = try Self.isNew(target)
        if isTargetNew {
            let (parent, name) = Self.parts(target)
            guard name != ".." else {
                throw DataError(.unwritable, "\(printable(target)): no such folder")
            }
            path = (parent.map { $0.appending(component: "") } ?? "") + ".\(name).part"
            if let parent { try Self.makeFolders(parent, made: &parents) }
        } else {
            path = target.appending(component: ".part")
        }
        guard mkdir(path, 0o777) == 0 else {
            let reason = errno
            Self.removeFolders(parents)
            throw reason == EEXIST
                ? DataError(
                    .unwritable,
                    "\(printable(path)): is there already: another process is writing "
                        + "\(printable(target)), or one was stopped; if so, remove it and try again"
                )
                : DataError(.unwritable, target, "cannot be created", reason)
        }
    }

    /// Fills a folder that must be new or empty, and publishes it. When anything fails, all that was
    /// made is gone again.
    package static func fill(
        _ folder: String, _ body: (inout StagedFolder) throws(DataError) -> Void
    ) throws(DataError) {
        var staged = try StagedFolder(for: folder)
        do throws(DataError) {
            try body(&staged)
            try staged.publish()
        } catch {
            staged.discard()
            throw error
        }
    }

    // MARK: Contents

    /// Makes a folder in this one; a name that is there already is an error.
    package mutating func makeFolder(_ name: String) throws(DataError) {
        let folder = path.appending(component: name)
        guard mkdir(folder, 0o777) == 0 else {
            throw errno == EEXIST
                ? DataError(
                    .unwritable,
                    "\(printable(folder)): two folders have names that this disk takes for one")
                : DataError(.unwritable, folder, "cannot be created")
        }
        entries.append(Entry(name: name, isFolder: true))
    }

    /// Writes a file.
    mutating func write(_ bytes: [UInt8], _ name: String) throws(DataError) {
        // Noted first: of what fails, a part may be there.
        entries.append(Entry(name: name, isFolder: false))
        try Files.write(bytes, path.appending(component: name))
    }

    /// Writes an image as a PNG file.
    mutating func write(_ image: PixelBuffer, _ name: String) throws(DataError) {
        entries.append(Entry(name: name, isFolder: false))
        do {
            try writePNG(image, path: path.appending(component: name))
        } catch {
            throw DataError(.unwritable, error.description)
        }
    }

    /// Counts a file or folder that another program is about to make in here as made.
    package mutating func expect(_ name: String, isFolder: Bool) {
        entries.append(Entry(name: name, isFolder: isFolder))
    }

    // MARK: The end

    private func publish() throws(DataError) {
        guard !isTargetNew else {
            return try Self.move(path, isFolder: true, to: target)
        }
        var moved: [Entry] = []
        do throws(DataError) {
            // The first things made move last: without them, no reader takes the rest for complete.
            for entry in entries.reversed() where !entry.name.utf8.contains(UInt8(ascii: "/")) {
                try Self.move(
                    path.appending(component: entry.name), isFolder: entry.isFolder,
                    to: target.appending(component: entry.name))
                moved.append(entry)
            }
        } catch {
            for entry in moved {
                rename(
                    target.appending(component: entry.name), path.appending(component: entry.name))
            }
            throw error
        }
        rmdir(path)
    }

    /// Removes what was made. A folder that holds anything else stays, with it.
    private func discard() {
        for entry in entries.reversed() {
            let path = path.appending(component: entry.name)
            _ = entry.isFolder ? rmdir(path) : unlink(path)
        }
        rmdir(path)
        Self.removeFolders(parents)
    }

    /// Renames to a name that must be free. The name is taken first, by an empty file or folder that
    /// the rename replaces: so nothing of others' can be, not even what appears at the last moment.
    private static func move(
        _ path: String, isFolder: Bool, to target: String
    ) throws(DataError) {
        if isFolder {
            guard mkdir(target, 0o777) == 0 else { throw taken(target, errno) }
        } else {
            let file = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            guard file >= 0 else { throw taken(target, errno) }
            close(file)
        }
        guard rename(path, target) == 0 else {
            let reason = errno
            _ = isFolder ? rmdir(target) : unlink(target)
            throw DataError(
                .unwritable, target, "cannot be renamed from \(printable(path))", reason)
        }
    }

    private static func taken(_ path: String, _ reason: CInt) -> DataError {
        reason == EEXIST
            ? DataError(
                .unwritable, "\(printable(path)): appeared meanwhile, and is not written over")
            : DataError(.unwritable, path, "cannot be created", reason)
    }
}
