import Foundation

/// The kinds of data that `--data` recognises.
public enum DatasetKind: String, Sendable, CaseIterable {
    /// The CIFAR-10 binary version: `data_batch_1.bin` ... `data_batch_5.bin`, `test_batch.bin`.
    case cifar10
    /// The CIFAR-100 binary version: `train.bin`, `test.bin`.
    case cifar100
    /// The MNIST family: `train-images-idx3-ubyte` and its three companions.
    case idx
    /// Folders of JPEG and PNG files: `train/CLASS/*`, `test/CLASS/*`.
    case imageFolder = "image_folder"
    /// Images that this program draws.
    case synthetic
}

/// How a data set is read.
public struct DatasetOptions: Sendable, Equatable {
    /// The order of the images of an image folder.
    public enum FolderOrder: String, Sendable, CaseIterable {
        /// Class by class, and by file name within a class.
        case path
        /// By file name, whatever the class; files of the same name by class. A set that was
        /// unpacked into numbered files keeps its order this way.
        case fileName = "file_name"
    }

    /// CIFAR-100: use the 20 coarse labels and not the 100 fine ones.
    public var coarseLabels = false
    /// Image folders: decode every file when the folder is opened, leave out those that cannot
    /// be decoded, and count them; without it such a file is an error when it is read.
    public var skipsBrokenImages = false
    /// Image folders: the order of the images.
    public var folderOrder = FolderOrder.path
    /// Synthetic images: how many, and from which seed.
    public var synthetic = SyntheticOptions()

    /// Creates the default options.
    public init() {}
}

/// A training set and a test set with the same classes.
public struct DatasetSplits: Sendable {
    /// What was recognised.
    public let kind: DatasetKind
    /// The training images.
    public let train: any ImageDataset
    /// The test images.
    public let test: any ImageDataset

    /// Creates a pair of splits.
    public init(kind: DatasetKind, train: any ImageDataset, test: any ImageDataset) {
        self.kind = kind
        self.train = train
        self.test = test
    }

    /// Opens a folder of any recognised kind, or draws: `synthetic`, or `synthetic:N` for N
    /// training images and a quarter as many test images.
    ///
    /// Everything that can be checked without decoding an image is checked here: the length of
    /// every file, every header, every label.
    /// - Throws: `DataError` with one line that names the file, what was expected, what was found.
    public static func open(
        _ path: String, options: DatasetOptions = DatasetOptions()
    ) throws(DataError) -> DatasetSplits {
        if let synthetic = try SyntheticOptions(parsing: path, defaults: options.synthetic) {
            return DatasetSplits(
                kind: .synthetic, train: SyntheticDataset(synthetic, split: .train),
                test: SyntheticDataset(synthetic, split: .test))
        }
        let folder = try DatasetFolder.find(path)
        return switch folder.layout {
        case .cifar10:
            DatasetSplits(
                kind: .cifar10, train: try CIFARDataset.cifar10(folder.path, split: .train),
                test: try CIFARDataset.cifar10(folder.path, split: .test))
        case .cifar100:
            DatasetSplits(
                kind: .cifar100,
                train: try CIFARDataset.cifar100(
                    folder.path, split: .train, coarse: options.coarseLabels),
                test: try CIFARDataset.cifar100(
                    folder.path, split: .test, coarse: options.coarseLabels))
        }
    }
}

/// Which of its two parts a data set is.
enum Split: String {
    case train
    case test
}
