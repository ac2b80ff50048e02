import BONNImageIO
import BONNModelFormat

/// What `--data` names, recognised but not opened yet.
package struct DatasetSource {
    /// The kinds of data, and the layouts of files that are recognised.
    enum Layout {
        case synthetic(SyntheticOptions)
        case cifar10
        case cifar100
        case idx
        case images(ImageFolders)
        /// Class folders of image files without parts.
        case undivided

        var kind: DatasetKind {
            switch self {
            case .synthetic: .synthetic
            case .cifar10: .cifar10
            case .cifar100: .cifar100
            case .idx: .idx
            case .images, .undivided: .imageFolder
            }
        }
    }

    let layout: Layout
    private let path: String
    /// What the folder holds, sorted.
    private let names: [String]
    private let options: DatasetOptions

    /// Whether nothing is there but one folder of classes.
    var isUndivided: Bool {
        switch layout {
        case .undivided: true
        case .images(let parts): parts.isTrainAlone
        case .synthetic, .cifar10, .cifar100, .idx: false
        }
    }

    /// The validation images, where they have a folder of their own.
    func validation() throws(DataError) -> (any ImageDataset)? {
        guard case .images(let parts) = layout, let path = parts.validationFolder else {
            return nil
        }
        return try ImageFolderDataset(path, options: options)
    }

    /// The training or the test images.
    func open(_ split: Split) throws(DataError) -> any ImageDataset {
        switch layout {
        case .synthetic(let options): return SyntheticDataset(options, split: split)
        case .cifar10: return try CIFARDataset.cifar10(path, split: split)
        case .cifar100:
            return try CIFARDataset.cifar100(path, split: split, coarse: options.coarseLabels)
        case .idx: return try IDXDataset(path, names: names, split: split)
        case .images(let parts):
            let path = split == .train ? try parts.trainFolder() : try parts.testFolder()
            return try ImageFolderDataset(path, options: options)
        case .undivided: return try ImageFolderDataset(path, options: options)
        }
    }

    /// Recognises a folder by the names in it; the folders that the CIFAR archives unpack to are
    /// also found one level down. `synthetic` and `synthetic:N` are no folders.
    init(_ path: String, _ options: DatasetOptions) throws(DataError) {
        self.options = options
        if let synthetic = try SyntheticOptions(parsing: path, defaults: options.synthetic) {
            (layout, self.path) = (.synthetic(synthetic), path)
            names = []
            return
        }
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
        let inner = Self.archiveFolders.filter(listing.folders.contains)
        for folder in [path] + inner.map({ path.appending(component: $0.text) }) {
            let listing =
                try folder == path
                ? listing : FolderListing(folder, allowsDanglingLinks: true)
            guard let layout = try Self.layout(of: listing, in: folder) else { continue }
            (self.layout, self.path) = (layout, folder)
            names = listing.entries.map(\.name.text)
            return
        }
        names = listing.entries.map(\.name.text)
        guard try Self.holdsClassFolders(listing, in: path) else {
            throw listing.faults.first ?? Self.notRecognised(path, names)
        }
        (layout, self.path) = (.undivided, path)
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
