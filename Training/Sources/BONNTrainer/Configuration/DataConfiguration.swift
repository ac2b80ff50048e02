public import BONNConfiguration
public import BONNData

/// Where the images come from.
public struct DataConfiguration: Sendable, Equatable {
    /// Which images are used where it is not all of them.
    public enum Subset: String, Sendable, CaseIterable {
        /// Chosen by the seed, each class with its share.
        case spread
        /// The first ones in the data set's order, in which classes may follow one another.
        case first
    }
    /// Which images an epoch consists of.
    public enum Sampler: String, Sendable, CaseIterable {
        /// Every training image once.
        case uniform
        /// As many images as the training set has, every class equally often.
        case balanced
    }

    /// A folder, or `synthetic`. Empty: not given, an error when training starts.
    public var path = ""
    /// CIFAR-100: the 20 coarse labels and not the 100 fine ones.
    public var coarseLabels = false
    /// The order of the images of an image folder.
    public var folderOrder = DatasetOptions.FolderOrder.path
    /// How many training images are used; 0: all.
    public var trainImages = 0
    /// How many test images are used; 0: all.
    public var testImages = 0
    /// Which ones are used where it is not all of them.
    public var subset = Subset.spread
    /// The share of each class that is held out, drawn by the seed: for the test of a folder without
    /// parts, where nil means `DatasetSplits.usualShare`; for validation of all others that have no
    /// validation images, where nil means none.
    public var validationShare: Double?
    /// Images per step.
    public var batchSize = 128
    /// Which images an epoch consists of.
    public var sampler = Sampler.uniform
    /// Whether a last batch smaller than the others is left out.
    public var dropLast = false
    /// Threads that read and augment images.
    public var workers = 1
    /// Batches that may be ready ahead of the training step.
    public var queue = 4
    /// Whether unreadable image files are left out and counted instead of ending the run.
    public var skipBroken = false
    /// Whether images are turned as their EXIF data says that they were held.
    public var exifOrientation = true
    /// The memory that decoding may take, in millions of bytes, for all workers together.
    public var decodingLimit = 400.0

    /// The defaults.
    public init() {}
}

extension DataConfiguration {
    /// Its keys.
    public static let keys: [Key<DataConfiguration>] = [
        .text("path", \.path, "a folder of images, or synthetic")
            .changeable(),
        .flag("coarse_labels", \.coarseLabels, "CIFAR-100: 20 classes and not 100"),
        .choice("folder_order", \.folderOrder, "image folders: order of the images"),
        .integer(
            "train_images", \.trainImages, in: 0...(.max),
            "training images used; 0: all"),
        .integer(
            "test_images", \.testImages, in: 0...(.max),
            "test images used; 0: all"),
        .choice(
            "subset", \.subset,
            "which ones: spread by the seed, each class with its share, or the first of the set"),
        .optionalNumber(
            "validation_share", \.validationShare, in: 0.001...0.999,
            "of each class, held out by the seed: to test where a folder has no parts (null: 0.2), "
                + "else to validate (null: none)"),
        .integer("batch_size", \.batchSize, in: 1...1_000_000, "images per step")
            .varyingByStage(),
        .choice(
            "sampler", \.sampler,
            "uniform: each training image once an epoch; balanced: each class as often"
        ).varyingByStage(),
        .flag("drop_last", \.dropLast, "leave out a last batch that is not full")
            .varyingByStage(),
        .integer("workers", \.workers, in: 1...256, "threads that read and augment")
            .changeable(),
        .integer("queue", \.queue, in: 1...1024, "batches ready ahead of the step")
            .changeable(),
        .flag(
            "skip_broken", \.skipBroken,
            "leave out and count unreadable image files instead of stopping"),
        .flag(
            "exif_orientation", \.exifOrientation,
            "turn image files as EXIF says that they were held"),
        .number(
            "decoding_limit", \.decodingLimit, in: 0.001...1e6,
            "MB that decoding images may take, all workers together"
        ).changeable(),
    ]
}
