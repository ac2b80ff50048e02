import BONNData
import BONNImageIO
import BONNModelFormat
import Foundation

/// The image files that an argument names: itself, or all in a folder and below it, in order.
///
/// Folders are opened one after the other while the images are used, so that the first is there at once.
struct ImageFiles {
    /// Entries of folders that do not have the ending of an image, and links to folders.
    private(set) var leftOut = 0
    /// What comes next, the last first.
    private var waiting: [Entry]

    private enum Entry {
        case file(String)
        case folder(String)
        case fault(DataError)
    }

    /// The files of an argument; `-` is a file of this name.
    init(_ argument: String) {
        waiting = [
            argument != "-" && Files.isFolder(argument) ? .folder(argument) : .file(argument)
        ]
    }

    /// The next file, or why a folder cannot be looked into; nil after the last.
    mutating func next() -> Result<String, Failure>? {
        while let entry = waiting.popLast() {
            switch entry {
            case .file(let path): return .success(path)
            case .fault(let error): return .failure(Failure(error.message))
            case .folder(let path):
                do {
                    try open(path)
                } catch {
                    return .failure(Failure(error.message))
                }
            }
        }
        return nil
    }

    private mutating func open(_ folder: String) throws(DataError) {
        // A link to nothing is for whoever reads it.
        let listing = try FolderListing(folder, allowsDanglingLinks: true)
        var entries = listing.faults.map(Entry.fault)
        for entry in listing.entries {
            let path = folder.appending(component: entry.name.text)
            if entry.kind == .folder {
                // A link could lead back to where it stands.
                if isLink(path) {
                    leftOut += 1
                } else {
                    entries.append(.folder(path))
                }
            } else if isImageFileName(entry.name.text) {
                entries.append(.file(path))
            } else {
                leftOut += 1
            }
        }
        waiting += entries.reversed()
    }

    private func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }
}
