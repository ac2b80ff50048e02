import BONNImage
import BONNImageIO

/// Writes a data set in another format, image for image and in the same order.
///
/// Nothing is resized, recoloured or compressed with loss: what a format cannot hold as it is, is
/// an error. The folder appears under its name only when it is complete.
public struct DatasetConvert: Sendable {
    /// The formats that can be written.
    public enum Format: String, Sendable, CaseIterable {
        /// `train/CLASS/00000.png`, `test/CLASS/00000.png`, numbered through each split, so that
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

    /// Writes into a folder that must not exist, or be empty.
    /// - Parameters:
    ///   - progress: Called with the number of images written and of all.
    /// - Throws: `DataError`: `.unwritable`, `.badShape` or `.badClasses` of what the format
    ///   cannot hold, or that of an image which cannot be read.
    public func run(
        into folder: String, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(DataError) {
        let target = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        if Files.exists(target) {
            guard Files.isFolder(target), try Files.names(in: target).isEmpty else {
                throw DataError(.unwritable, "\(target): exists, expected a new or an empty folder")
            }
        }
        let temporary = Files.hiddenSibling(of: target)
        Files.remove(temporary)
        try Files.makeFolder(temporary)
        do {
            let total = splits.train.count + splits.test.count
            try write(.train, into: temporary) { progress($0, total) }
            try write(.test, into: temporary) { progress(splits.train.count + $0, total) }
            try writeClassNames(into: temporary)
            Files.remove(target)
            try Files.move(temporary, to: target)
        } catch {
            Files.remove(temporary)
            throw error
        }
    }

    private func write(
        _ split: Split, into folder: String, progress: (Int) -> Void
    ) throws(DataError) {
        let dataset = split == .train ? splits.train : splits.test
        switch format {
        case .images: try writeImages(dataset, split, into: folder, progress)
        case .cifar10: try writeCIFAR(dataset, split, into: folder, progress)
        case .idx: try writeIDX(dataset, split, into: folder, progress)
        }
    }

    private func writeClassNames(into folder: String) throws(DataError) {
        let names = splits.train.classNames
        let file: String
        switch format {
        case .images: return
        case .cifar10: file = "batches.meta.txt"
        case .idx: file = "label_names.txt"
        }
        let text = names.joined(separator: "\n") + "\n"
        try Files.write(Array(text.utf8), folder.appending(component: file))
    }

    private func writeImages(
        _ dataset: any ImageDataset, _ split: Split, into folder: String, _ progress: (Int) -> Void
    ) throws(DataError) {
        let splitFolder = folder.appending(component: split.rawValue)
        for name in dataset.classNames {
            guard !name.isEmpty, !name.hasPrefix("."), !name.contains("/") else {
                throw DataError(
                    .badClasses, "\(dataset.name): the class '\(name)' cannot be a folder's name")
            }
            try Files.makeFolder(splitFolder.appending(component: name))
        }
        let digits = max(5, String(dataset.count - 1).count)
        for index in 0..<dataset.count {
            let number = String(index)
            let file = String(repeating: "0", count: digits - number.count) + number + ".png"
            let path = splitFolder.appending(
                component: dataset.classNames[dataset.label(at: index)]
            )
            .appending(component: file)
            let image = try dataset.image(at: index)
            do {
                try writePNG(image, path: path)
            } catch {
                throw DataError(.unwritable, error.description)
            }
            progress(index + 1)
        }
    }

    private func writeCIFAR(
        _ dataset: any ImageDataset, _ split: Split, into folder: String, _ progress: (Int) -> Void
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
            try Files.write(bytes, folder.appending(component: file))
        }
    }

    private func writeIDX(
        _ dataset: any ImageDataset, _ split: Split, into folder: String, _ progress: (Int) -> Void
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
        try Files.write(images, folder.appending(component: "\(prefix)-images-idx3-ubyte"))
        try Files.write(labels, folder.appending(component: "\(prefix)-labels-idx1-ubyte"))
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
