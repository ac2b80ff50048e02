import BONNImageIO
import BONNModelFormat

/// A folder on disk and the kind of data set that it holds.
package struct DatasetFolder {
    /// The layouts of files that are recognised.
    enum Layout {
        case cifar10
        case cifar100
        case idx
        case images(ImageFolders)
        /// Class folders of image files without parts.
        case undivided
    }

    let layout: Layout
    let path: String
    /// What the folder holds, sorted.
    let names: [String]

    /// Recognises a folder by the names in it; the folders that the CIFAR archives unpack to are
    /// also found one level down.
    static func find(_ path: String) throws(DataError) -> DatasetFolder {
        let listing: FolderListing
        do {
            listing = try FolderListing(path, allowsDanglingLinks: true)
        } catch {
            guard Files.exists(path) else {
                throw DataError(
                    .notFound,
                    "\(printable(path)): no such folder; give a folder of images, CIFAR or IDX files, "
                        + "or 'synthetic'")
            }
            guard Files.isFolder(path) else {
                throw DataError(
                    .notRecognised,
                    "\(printable(path)): is a file, expected the folder that holds the data set")
            }
            throw error
        }
        if let folder = try recognised(listing, in: path) { return folder }
        for name in archiveFolders where listing.folders.contains(name) {
            let inner = path.appending(component: name.text)
            let listing = try FolderListing(inner, allowsDanglingLinks: true)
            if let folder = try recognised(listing, in: inner) { return folder }
        }
        let names = listing.entries.map(\.name.text)
        if try holdsClassFolders(listing, in: path) {
            return DatasetFolder(layout: .undivided, path: path, names: names)
        }
        if let fault = listing.faults.first { throw fault }
        throw notRecognised(path, names)
    }

    private static func recognised(
        _ listing: FolderListing, in path: String
    ) throws(DataError) -> DatasetFolder? {
        guard let layout = try layout(of: listing, in: path) else { return nil }
        return DatasetFolder(
            layout: layout, path: path, names: listing.entries.map(\.name.text))
    }

    /// The folders in the archives of the CIFAR authors.
    private static let archiveFolders: [Name] = ["cifar-10-batches-bin", "cifar-100-binary"]

    private static func layout(
        of listing: FolderListing, in folder: String
    ) throws(DataError) -> Layout? {
        let names = listing.entries.map(\.name.text)
        let present = Set(listing.entries.map(\.name))
        if names.contains(where: { $0.hasPrefix("data_batch_") && $0.hasSuffix(".bin") })
            || present.contains("test_batch.bin")
        {
            return .cifar10
        }
        if present.contains("train.bin") || present.contains("test.bin") { return .cifar100 }
        if names.contains(where: isIDX) { return .idx }
        guard let parts = try ImageFolders(folder, listing.folders) else { return nil }
        // An entry that cannot be looked up may be a part.
        _ = try FolderListing(all: folder)
        return .images(parts)
    }

    /// Whether a name is one of the eight spellings of the MNIST family, perhaps compressed.
    private static func isIDX(_ name: String) -> Bool {
        let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
        return (plain.hasSuffix("idx3-ubyte") || plain.hasSuffix("idx1-ubyte"))
            && (IDXDataset.prefixes(.train) + IDXDataset.prefixes(.test)).contains {
                plain.hasPrefix($0 + "-")
            }
    }

    /// Whether the folders in a folder hold image files.
    private static func holdsClassFolders(
        _ listing: FolderListing, in folder: String
    ) throws(DataError) -> Bool {
        for name in listing.folders {
            let inner = try FolderListing(
                folder.appending(component: name.text), allowsDanglingLinks: true)
            if inner.entries.contains(where: { isImageFileName($0.name.text) }) { return true }
        }
        return false
    }

    private static func notRecognised(_ path: String, _ names: [String]) -> DataError {
        DataError(
            .notRecognised,
            "\(printable(path)): no data set recognised: expected data_batch_1.bin (CIFAR-10), train.bin "
                + "(CIFAR-100), train-images-idx3-ubyte (IDX), train/CLASS/*.png or CLASS/*.png "
                + "(images), found \(listed(names))")
    }

    /// A few names of a list for a message.
    package static func listed(_ names: some Collection<String>) -> String {
        names.isEmpty
            ? "nothing"
            : names.prefix(5).map { printable($0, limit: 100) }.joined(separator: ", ")
                + (names.count > 5 ? " and \(grouped(names.count - 5)) more" : "")
    }
}
