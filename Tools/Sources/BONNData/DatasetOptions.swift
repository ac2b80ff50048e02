public import BONNImageIO
public import BONNModelFormat

/// The kinds of data that `--data` recognises.
public enum DatasetKind: String, Sendable, CaseIterable {
    /// The CIFAR-10 binary version: `data_batch_1.bin` ... `data_batch_5.bin`, `test_batch.bin`.
    case cifar10
    /// The CIFAR-100 binary version: `train.bin`, `test.bin`.
    case cifar100
    /// The MNIST family: `train-images-idx3-ubyte` and its three companions.
    case idx
    /// Folders of image files: `train/CLASS/*`, `test/CLASS/*`, or `CLASS/*` alone.
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
    /// Image folders: files that cannot be decoded are for whoever reads them to leave out, and the size
    /// of the images is that of the others; without it, the first such file that is met when the folder
    /// is opened is an error.
    public var toleratesBrokenImages = false
    /// The share of each class, more than 0 and less than 1, that is held out of training: of a folder
    /// without parts as its test images, of others as the validation images where there are none. Nil:
    /// `DatasetSplits.usualShare` of a folder without parts, nothing of others.
    public var validationShare: Double?
    /// What draws the images that are held out.
    public var splitSeed: UInt64 = 0
    /// Image folders: the order of the images.
    public var folderOrder = FolderOrder.path
    /// Image folders: whether images are turned as their EXIF data says.
    public var orientation = Preprocessing.Orientation.stored
    /// Image folders: the memory that decoding may take, for all threads that decode together.
    public var decodingBudget = DecodingBudget.standard
    /// Synthetic images: how many, and from which seed.
    public var synthetic = SyntheticOptions()

    /// Creates the default options.
    public init() {}
}
