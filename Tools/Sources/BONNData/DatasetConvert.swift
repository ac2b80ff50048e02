import BONNImage
import BONNModelFormat

/// Writes a data set in another format, image for image and in the same order.
///
/// Nothing is resized, recoloured or compressed with loss: what a format cannot hold as it is, is
/// an error. The folder appears under its name only when it is complete.
public struct DatasetConvert: Sendable {
    /// The formats that can be written.
    public enum Format: String, Sendable, CaseIterable {
        /// `train/CLASS/00000.png`, `test/CLASS/00000.png` and, of a validation set,
        /// `validation/CLASS/00000.png`, numbered through each split, so that
        /// `DatasetOptions.FolderOrder.fileName` gives the order back.
        case images
        /// The CIFAR-10 binary version: ten classes, 32x32, colour, at most 50,000 + 10,000 images.
        case cifar10
        /// The format of MNIST: gray images of one size, at most 256 classes.
        case idx
    }

    private let splits: DatasetSplits
    private let format: Format

    /// Creates a conversion.
    public init(_ splits: DatasetSplits, to format: Format) {
        self.splits = splits
        self.format = format
    }

    /// Writes into a folder that is new or empty. Hidden files and folders count as content; `.` and
    /// a link to an empty folder will do. A conversion that fails takes back what it wrote, and
    /// nothing else.
    /// - Parameters:
    ///   - progress: Called with the number of images written and of all.
    /// - Throws: `DataError`: `.unwritable`, `.badShape` or `.badClasses` of what the format
    ///   cannot hold, or that of an image which cannot be read.
    public func run(
        into folder: String, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(DataError) {
        if let validation = splits.validation, format != .images {
            throw DataError(
                .badShape,
                "\(printable(validation.name)): \(format.rawValue) holds a training and a test set "
                    + "and no validation set; convert to \(Format.images.rawValue)")
        }
        try StagedFolder.fill(folder) { target throws(DataError) in
            let total = splits.parts.reduce(0) { $0 + $1.images.count }
            var done = 0
            for (split, images) in splits.parts {
                func report(_ written: Int) { progress(done + written, total) }
                switch format {
                case .images: try writeImages(images, split, into: &target, report)
                case .cifar10: try writeCIFAR(images, split, into: &target, report)
                case .idx: try writeIDX(images, split, into: &target, report)
                }
                done += images.count
            }
            try writeClassNames(into: &target)
        }
    }

    private func writeClassNames(into folder: inout StagedFolder) throws(DataError) {
        let names = splits.train.classNames
        let file: String
        switch format {
        case .images: return
        case .cifar10: file = "batches.meta.txt"
        // Classes that nobody has named stay so where the format allows it.
        case .idx where splits.train.classesAreNumbered: return
        case .idx: file = IDXDataset.nameFile
        }
        guard let list = ClassNames.list(names) else {
            let name = names.first { ClassNames.list([$0]) == nil } ?? ""
            throw DataError(
                .badClasses,
                "\(printable(splits.train.name)): the class \(ClassNames.quoted(name)) cannot be a line of "
                    + "\(file), which holds one class a line without blanks around it")
        }
        try folder.write(list, file)
    }

    private func writeImages(
        _ dataset: any ImageDataset, _ split: Split, into folder: inout StagedFolder,
        _ progress: (Int) -> Void
    ) throws(DataError) {
        let splitFolder = split.rawValue
        let counts = dataset.classCounts()
        if let empty = counts.firstIndex(of: 0), split == .train {
            throw DataError(
                .noImages,
                "\(printable(dataset.name)): the class \(ClassNames.quoted(dataset.classNames[empty])) has no "
                    + "image, and a folder of images holds only classes that have some")
        }
        try folder.makeFolder(splitFolder)
        for (name, count) in zip(dataset.classNames.map(\.text), counts) where count > 0 {
            guard let first = name.utf8.first, first != UInt8(ascii: "."),
                !name.utf8.contains(UInt8(ascii: "/"))
            else {
                throw DataError(
                    .badClasses,
                    "\(dataset.name): the class '\(printable(name))' cannot be a folder's name")
            }
            try folder.makeFolder(splitFolder.appending(component: name))
        }
        let digits = max(5, String(dataset.count - 1).count)
        for index in 0..<dataset.count {
            let number = String(index)
            let file = String(repeating: "0", count: digits - number.count) + number + ".png"
            let name = dataset.classNames[dataset.label(at: index)].text
                .appending(component: file)
            try folder.write(
                try dataset.image(at: index), splitFolder.appending(component: name))
            progress(index + 1)
        }
    }

    private func writeCIFAR(
        _ dataset: any ImageDataset, _ split: Split, into folder: inout StagedFolder,
        _ progress: (Int) -> Void
    ) throws(DataError) {
        let most = split == .train ? 50_000 : 10_000
        let least = split == .train ? 5 : 1
        guard dataset.classNames.count == 10, (least...most).contains(dataset.count) else {
            throw DataError(
                .badShape,
                "\(dataset.name): \(dataset.classNames.count) classes and \(grouped(dataset.count)) "
                    + "images, CIFAR-10 holds 10 classes and \(least) to \(grouped(most)) images")
        }
        let files = split == .train ? (1...5).map { "data_batch_\($0).bin" } : ["test_batch.bin"]
        // All batches but the last are of one size, which the reader checks; the last may differ.
        let even = (dataset.count + files.count - 1) / files.count
        let size =
            even * (files.count - 1) < dataset.count ? even : dataset.count / files.count
        for (batch, file) in files.enumerated() {
            let end = batch == files.count - 1 ? dataset.count : (batch + 1) * size
            var bytes: [UInt8] = []
            bytes.reserveCapacity((end - batch * size) * (1 + CIFARDataset.pixelBytes))
            for index in batch * size..<end {
                let image = try dataset.image(at: index)
                guard
                    (image.width, image.height, image.channels)
                        == (CIFARDataset.side, CIFARDataset.side, 3)
                else {
                    throw wrongShape(
                        dataset, index, image, expected: "32x32 in colour for CIFAR-10")
                }
                bytes.append(UInt8(dataset.label(at: index)))
                for channel in 0..<3 {
                    for pixel in 0..<CIFARDataset.planeBytes {
                        bytes.append(image.pixels[3 * pixel + channel])
                    }
                }
                progress(index + 1)
            }
            try folder.write(bytes, file)
        }
    }

    private func writeIDX(
        _ dataset: any ImageDataset, _ split: Split, into folder: inout StagedFolder,
        _ progress: (Int) -> Void
    ) throws(DataError) {
        guard dataset.classNames.count <= 256 else {
            throw DataError(
                .badClasses,
                "\(dataset.name): \(dataset.classNames.count) classes, IDX labels hold 256")
        }
        let first = try dataset.image(at: 0)
        let (width, height) = (first.width, first.height)
        var images = IDXFile.header(sizes: [dataset.count, height, width])
        var labels = IDXFile.header(sizes: [dataset.count])
        images.reserveCapacity(images.count + dataset.count * width * height)
        for index in 0..<dataset.count {
            let image = try dataset.image(at: index)
            guard image.width == width, image.height == height else {
                throw wrongShape(
                    dataset, index, image, expected: "\(width)x\(height) as the first one for IDX")
            }
            guard image.channels == 1 || image.gray().rgb() == image else {
                throw wrongShape(dataset, index, image, expected: "no colour for IDX")
            }
            images += image.gray().pixels
            labels.append(UInt8(dataset.label(at: index)))
            progress(index + 1)
        }
        let prefix = IDXDataset.prefixes(split)[0]
        try folder.write(images, "\(prefix)-images-idx3-ubyte")
        try folder.write(labels, "\(prefix)-labels-idx1-ubyte")
    }

    private func wrongShape(
        _ dataset: any ImageDataset, _ index: Int, _ image: PixelBuffer, expected: String
    ) -> DataError {
        DataError(
            .badShape,
            "\(dataset.identifier(at: index)): is \(image.width)x\(image.height) with "
                + "\(image.channels) channel\(image.channels == 1 ? "" : "s"), expected \(expected)"
        )
    }
}
