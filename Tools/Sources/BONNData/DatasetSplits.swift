import BONNModelFormat

/// A training set, a test set, and a validation set where there is one, all with the same classes.
public struct DatasetSplits: Sendable {
    /// What was recognised.
    public let kind: DatasetKind
    /// The training images.
    public let train: any ImageDataset
    /// The images on which the best checkpoint is chosen; nil: on the test images.
    public let validation: (any ImageDataset)?
    /// The test images.
    public let test: any ImageDataset
    /// What a person has to know: that the test images hold some of the classes only.
    public let notes: [String]

    /// Creates splits.
    public init(
        kind: DatasetKind, train: any ImageDataset, validation: (any ImageDataset)? = nil,
        test: any ImageDataset, notes: [String] = []
    ) {
        self.kind = kind
        self.train = train
        self.validation = validation
        self.test = test
        self.notes = notes
    }

    /// Opens a folder of any recognised kind, or draws: `synthetic`, or `synthetic:N` for N
    /// training images and a quarter as many test images.
    ///
    /// Everything that can be checked without decoding an image is checked here: the length of
    /// every file, every header, every label. Labels of the test images are those of the training
    /// images, by name; they may hold some of the classes and no other.
    /// - Throws: `DataError` with one line that names the file, what was expected, what was found.
    public static func open(
        _ path: String, options: DatasetOptions = DatasetOptions()
    ) throws(DataError) -> DatasetSplits {
        let source = try DatasetSource(path, options)
        let train = try source.open(.train)
        let test = try source.open(.test).relabeled(
            names: train.classNames.map { Name($0) }, count: train.classNames.count,
            network: train.name)
        return DatasetSplits(
            kind: source.kind, train: train, test: test.dataset, notes: test.notes)
    }

    /// Opens the test split alone; the files of the training split need not exist, and a folder
    /// of class folders that is not split (`CLASS/*.png`) is a test set as a whole.
    /// - Throws: `DataError`, as `open`.
    public static func openTest(
        _ path: String, options: DatasetOptions = DatasetOptions()
    ) throws(DataError) -> any ImageDataset {
        try DatasetSource(path, options).open(.test)
    }
}

/// Which of its two parts a data set is.
enum Split: String {
    case train
    case test
}

/// What `--data` names, recognised but not opened yet.
private enum DatasetSource {
    case synthetic(SyntheticOptions)
    case folder(DatasetFolder, DatasetOptions)

    init(_ path: String, _ options: DatasetOptions) throws(DataError) {
        if let synthetic = try SyntheticOptions(parsing: path, defaults: options.synthetic) {
            self = .synthetic(synthetic)
        } else {
            self = .folder(try DatasetFolder.find(path), options)
        }
    }

    var kind: DatasetKind {
        switch self {
        case .synthetic: .synthetic
        case .folder(let folder, _):
            switch folder.layout {
            case .cifar10: .cifar10
            case .cifar100: .cifar100
            case .idx: .idx
            case .images, .unsplitImages: .imageFolder
            }
        }
    }

    func open(_ split: Split) throws(DataError) -> any ImageDataset {
        switch self {
        case .synthetic(let options):
            return SyntheticDataset(options, split: split)
        case .folder(let folder, let options):
            switch folder.layout {
            case .cifar10:
                return try CIFARDataset.cifar10(folder.path, split: split)
            case .cifar100:
                return try CIFARDataset.cifar100(
                    folder.path, split: split, coarse: options.coarseLabels)
            case .idx:
                return try IDXDataset(folder.path, names: folder.names, split: split)
            case .images:
                let path = try ImageFolders.folder(of: split, in: folder.path, names: folder.names)
                return try ImageFolderDataset(path, options: options)
            case .unsplitImages:
                guard split == .test else {
                    throw ImageFolders.missingTraining(folder.path)
                }
                return try ImageFolderDataset(folder.path, options: options)
            }
        }
    }
}
