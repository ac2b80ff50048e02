/// A folder on disk and the kind of data set that it holds.
struct DatasetFolder {
    /// The layouts of files that are recognised.
    enum Layout {
        case cifar10
        case cifar100
    }

    let layout: Layout
    let path: String

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
            return DatasetFolder(layout: layout, path: path)
        }
        for name in archiveFolders where names.contains(name) {
            let inner = path.appending(component: name)
            if Files.isFolder(inner), let layout = layout(of: try Files.names(in: inner), in: inner)
            {
                return DatasetFolder(layout: layout, path: inner)
            }
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
        return nil
    }

    private static func notRecognised(_ path: String, _ names: [String]) -> DataError {
        let found =
            names.isEmpty
            ? "nothing"
            : names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", ..." : "")
        return DataError(
            .notRecognised,
            "\(path): no data set recognised: expected data_batch_1.bin (CIFAR-10), train.bin "
                + "(CIFAR-100), train-images-idx3-ubyte (IDX) or train/CLASS/*.png (images), "
                + "found \(found)")
    }
}
