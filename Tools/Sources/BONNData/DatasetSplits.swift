import BONNModelFormat

/// A training set, a test set, and a validation set where there is one, labeled with the same classes.
public struct DatasetSplits: Sendable {
    /// What was recognised.
    public let kind: DatasetKind
    /// The training images.
    public let train: any ImageDataset
    /// The images on which the best checkpoint is chosen; nil: on the test images.
    public let validation: (any ImageDataset)?
    /// The test images.
    public let test: any ImageDataset
    /// What a person has to know, a line each: what was left out, that a part has some of the classes
    /// only, how a folder without parts was divided.
    public let notes: [String]
    /// The share of each class that was held out of training; nil where nothing was divided.
    public let heldOutShare: Double?

    /// Creates splits.
    public init(
        kind: DatasetKind, train: any ImageDataset, validation: (any ImageDataset)? = nil,
        test: any ImageDataset, notes: [String] = [], heldOutShare: Double? = nil
    ) {
        self.kind = kind
        self.train = train
        self.validation = validation
        self.test = test
        self.notes = notes
        self.heldOutShare = heldOutShare
    }

    /// The share that is held out of a folder without test images where none is stated.
    public static let usualShare = 0.2

    /// Opens a folder of any recognised kind, or draws: `synthetic`, or `synthetic:N` for N
    /// training images and a quarter as many test images.
    ///
    /// Parts of image folders are `train`, `test`, and `val`, `valid` or `validation`, in any capitals.
    /// - With both a validation and a test folder, both are given; one of them alone is the test set.
    /// - A folder of class folders alone, or in it a folder `train` alone, is divided: a share of each
    ///   class, drawn by `options.splitSeed`, is the test set.
    /// - Where `options.validationShare` is stated and no validation images are there, that share of
    ///   the training images is the validation set, whatever the kind.
    ///
    /// Everything that can be checked without decoding an image is checked here: the length of
    /// every file, every header, every label. The labels of all parts are those of the training
    /// images, by name; a part may have some of the classes.
    /// - Throws: `DataError` with one line that names the file, what was expected, what was found.
    public static func open(
        _ path: String, options: DatasetOptions = DatasetOptions()
    ) throws(DataError) -> DatasetSplits {
        let source = try DatasetSource(path, options)
        if source.isUndivided { return try divided(source, options) }
        var train = try source.open(.train)
        var notes = leftOut(of: train)
        var validation = try source.validation()
        var share: Double?
        if let given = validation {
            validation = try labeled(given, as: train, &notes)
        } else if let stated = options.validationShare {
            let parts = try train.holdingOut(stated, seed: options.splitSeed)
            notes.append(
                "\(percent(stated)) of each class of \(printable(train.name)), "
                    + "\(grouped(parts.heldOut.count)) images drawn by seed \(options.splitSeed), are the "
                    + "validation images")
            (train, validation, share) = (parts.rest, parts.heldOut, stated)
        }
        let test = try labeled(try source.open(.test), as: train, &notes)
        return DatasetSplits(
            kind: source.layout.kind, train: train, validation: validation, test: test,
            notes: notes,
            heldOutShare: share)
    }

    /// Opens the test split alone; the files of the training split need not exist, and a folder
    /// of class folders without parts (`CLASS/*.png`) is a test set as a whole.
    /// - Throws: `DataError`, as `open`.
    public static func openTest(
        _ path: String, options: DatasetOptions = DatasetOptions()
    ) throws(DataError) -> any ImageDataset {
        try DatasetSource(path, options).open(.test)
    }

    /// Opens a folder that `open` divides as it does; nil for anything else.
    /// - Throws: `DataError`, as `open`.
    public static func openUndivided(
        _ path: String, options: DatasetOptions = DatasetOptions()
    ) throws(DataError) -> DatasetSplits? {
        let source = try DatasetSource(path, options)
        return source.isUndivided ? try divided(source, options) : nil
    }

    private static func divided(
        _ source: DatasetSource, _ options: DatasetOptions
    ) throws(DataError) -> DatasetSplits {
        let all = try source.open(.train)
        let share = options.validationShare ?? usualShare
        let parts = try all.holdingOut(share, seed: options.splitSeed)
        let note =
            "no test images beside \(printable(all.name)): \(percent(share)) of each class, "
            + "\(grouped(parts.heldOut.count)) images drawn by seed \(options.splitSeed), are held out "
            + "of training for the test"
        return DatasetSplits(
            kind: source.layout.kind, train: parts.rest, test: parts.heldOut,
            notes: [note] + leftOut(of: all), heldOutShare: share)
    }

    private static func labeled(
        _ dataset: any ImageDataset, as train: any ImageDataset, _ notes: inout [String]
    ) throws(DataError) -> any ImageDataset {
        let labeled = try dataset.relabeled(
            names: train.classNames, count: train.classNames.count, network: train.name)
        notes += leftOut(of: dataset) + labeled.notes
        return labeled.dataset
    }

    private static func leftOut(of dataset: any ImageDataset) -> [String] {
        dataset.leftOut.note.map { ["\(printable(dataset.name)): \($0)"] } ?? []
    }

    /// The parts that there are, in this order.
    var parts: [(split: Split, images: any ImageDataset)] {
        [(.train, train)] + (validation.map { [(.validation, $0)] } ?? []) + [(.test, test)]
    }

    private static func percent(_ share: Double) -> String {
        let tenths = (share * 1_000).rounded() / 10
        return tenths == tenths.rounded() ? "\(Int(tenths)) %" : "\(tenths) %"
    }
}

/// One of the parts of a data set.
enum Split: String, CaseIterable {
    case train, validation, test
}
