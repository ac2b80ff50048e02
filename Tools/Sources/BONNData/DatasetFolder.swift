import BONNImageIO

/// A folder on disk and the kind of data set that it holds.
package struct DatasetFolder {
    /// The layouts of files that are recognised.
    enum Layout {
        case cifar10
        case cifar100
        case idx
        case images
        /// Class folders of image files without a split: good for a test, not for training.
        case unsplitImages
    }

    let layout: Layout
    let path: String
    /// What the folder holds, sorted.
    let names: [String]

    /// Recognises a folder by the names in it; the folders that the CIFAR archives unpack to are
    /// also found one level down.
    static func find(_ path: String) throws(DataError) -> DatasetFolder {
        guard Files.exists(path) else {
            throw DataError(
                .notFound,
                "\(path): no such folder; give a folder of images, CIFAR or IDX files, or 'synthetic'"
            )
        }
        guard Files.isFolder(path) else {
            throw DataError(
                .notRecognised, "\(path): is a file, expected the folder that holds the data set")
        }
        let names = try Files.names(in: path)
        if let layout = layout(of: names, in: path) {
            return DatasetFolder(layout: layout, path: path, names: names)
        }
        for name in archiveFolders where names.contains(name) {
            let inner = path.appending(component: name)
            guard Files.isFolder(inner) else { continue }
            let innerNames = try Files.names(in: inner)
            if let layout = layout(of: innerNames, in: inner) {
                return DatasetFolder(layout: layout, path: inner, names: innerNames)
            }
        }
        if try holdsClassFolders(names, in: path) {
            return DatasetFolder(layout: .unsplitImages, path: path, names: names)
        }
        throw notRecognised(path, names)
    }

    /// The folders in the archives of the CIFAR authors.
    private static let archiveFolders = ["cifar-10-batches-bin", "cifar-100-binary"]

    private static func layout(of names: [String], in folder: String) -> Layout? {
        let present = Set(names)
        if names.contains(where: { $0.hasPrefix("data_batch_") && $0.hasSuffix(".bin") })
            || present.contains("test_batch.bin")
        {
            return .cifar10
        }
        if present.contains("train.bin") || present.contains("test.bin") { return .cifar100 }
        if names.contains(where: isIDX) { return .idx }
        if (["train"] + ImageFolders.testNames).contains(where: {
            present.contains($0) && Files.isFolder(folder.appending(component: $0))
        }) {
            return .images
        }
        return nil
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
    private static func holdsClassFolders(_ names: [String], in folder: String) throws(DataError)
        -> Bool
    {
        for name in names {
            let inner = folder.appending(component: name)
            if Files.isFolder(inner),
                try Files.names(in: inner).contains(where: isImageFileName)
            {
                return true
            }
        }
        return false
    }

    private static func notRecognised(_ path: String, _ names: [String]) -> DataError {
        DataError(
            .notRecognised,
            "\(path): no data set recognised: expected data_batch_1.bin (CIFAR-10), train.bin "
                + "(CIFAR-100), train-images-idx3-ubyte (IDX) or train/CLASS/*.png (images), "
                + "found \(listed(names))")
    }

    /// A few names of a list for a message.
    package static func listed(_ names: [String]) -> String {
        names.isEmpty
            ? "nothing"
            : names.prefix(5).joined(separator: ", ")
                + (names.count > 5 ? " and \(grouped(names.count - 5)) more" : "")
    }
}
