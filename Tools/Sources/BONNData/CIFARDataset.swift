import BONNImage
import BONNModelFormat

/// One split of CIFAR-10 or CIFAR-100 in the binary version: records of one or two label bytes
/// and 3,072 bytes of pixels (1,024 red, 1,024 green, 1,024 blue, rows from the top).
struct CIFARDataset: ImageDataset {
    let name: String
    let classNames: [Name]
    let channels = 3
    let count: Int
    let imageSize: (width: Int, height: Int)? = (side, side)

    private let batches: [Batch]
    private let format: Format

    static let side = 32
    static let planeBytes = side * side
    static let pixelBytes = 3 * planeBytes

    /// One file in memory and the index of its first image.
    private struct Batch {
        let path: String
        let bytes: [UInt8]
        let first: Int
        let count: Int
    }

    /// Where the labels are in a record.
    struct Format {
        /// What the file is called in messages.
        let name: String
        /// Bytes before the pixels.
        let labelBytes: Int
        /// Which of them is the label.
        let labelOffset: Int
        /// The most records that a published file has.
        let records: Int

        var recordBytes: Int { labelBytes + CIFARDataset.pixelBytes }
    }

    /// Opens a split of a CIFAR-100 folder with its 100 fine or its 20 coarse labels.
    static func cifar100(
        _ folder: String, split: Split, coarse: Bool
    ) throws(DataError) -> CIFARDataset {
        try CIFARDataset(
            folder, split: split, files: ["\(split.rawValue).bin"],
            classFile: coarse ? "coarse_label_names.txt" : "fine_label_names.txt",
            classCount: coarse ? 20 : 100,
            format: Format(
                name: "CIFAR-100", labelBytes: 2, labelOffset: coarse ? 0 : 1,
                records: split == .train ? 50_000 : 10_000))
    }

    /// Opens a split of a CIFAR-10 folder and checks its files.
    static func cifar10(_ folder: String, split: Split) throws(DataError) -> CIFARDataset {
        let files =
            split == .train ? (1...5).map { "data_batch_\($0).bin" } : ["test_batch.bin"]
        return try CIFARDataset(
            folder, split: split, files: files, classFile: "batches.meta.txt", classCount: 10,
            format: Format(name: "CIFAR-10", labelBytes: 1, labelOffset: 0, records: 10_000))
    }

    private init(
        _ folder: String, split: Split, files: [String], classFile: String, classCount: Int,
        format: Format
    ) throws(DataError) {
        name = "\(folder) (\(split.rawValue))"
        self.format = format
        classNames = try ClassNames.read(
            folder.appending(component: classFile),
            what: "the \(classCount) class names of \(format.name)", count: classCount...classCount)
        var batches: [Batch] = []
        var first = 0
        for file in files {
            let path = folder.appending(component: file)
            var count = 0
            let bytes = try Files.bytes(path, what: "a file of \(format.name) records") {
                (_, size) throws(DataError) in
                count = try Self.checkedCount(path, size, format)
            }
            try Self.checkLabels(path, bytes, count, format, classes: classCount)
            batches.append(Batch(path: path, bytes: bytes, first: first, count: count))
            first += count
        }
        // A batch that lost whole records at its end shows only against its neighbours.
        for batch in batches.dropLast() where batch.count != batches[0].count {
            throw DataError(
                .truncated,
                "\(batch.path): holds \(grouped(batch.count)) records but \(batches[0].path) holds "
                    + "\(grouped(batches[0].count)); copy or download the files again")
        }
        self.batches = batches
        count = first
    }

    /// How many records a file of so many bytes has.
    private static func checkedCount(
        _ path: String, _ size: Int, _ format: Format
    ) throws(DataError) -> Int {
        let record = format.recordBytes
        let published = "\(grouped(format.records)) records of \(grouped(record)) bytes"
        guard size > 0 else {
            throw DataError(.truncated, "\(path): is empty, expected \(published)")
        }
        let count = size / record
        guard size % record == 0 else {
            throw DataError(
                .truncated,
                "\(path): \(grouped(size)) bytes end \(grouped(size % record)) bytes "
                    + "into record \(grouped(count)), expected \(published); copy or download it "
                    + "again")
        }
        guard count <= format.records else {
            throw DataError(
                .oversized,
                "\(path): holds \(grouped(count)) records, \(format.name) has \(published)")
        }
        return count
    }

    private static func checkLabels(
        _ path: String, _ bytes: [UInt8], _ count: Int, _ format: Format, classes: Int
    ) throws(DataError) {
        let record = format.recordBytes
        let bad = (0..<count).first {
            Int(bytes[$0 * record + format.labelOffset]) >= classes
        }
        if let bad {
            let offset = bad * record + format.labelOffset
            throw DataError(
                .badLabel,
                "\(path): label \(bytes[offset]) in record \(grouped(bad)) (byte "
                    + "\(grouped(offset))), expected 0 to \(classes - 1)")
        }
    }

    func label(at index: Int) -> Int {
        let (batch, record) = place(of: index)
        return Int(batch.bytes[record * format.recordBytes + format.labelOffset])
    }

    func image(at index: Int) throws(DataError) -> PixelBuffer {
        let (batch, record) = place(of: index)
        let start = record * format.recordBytes + format.labelBytes
        let pixels = batch.bytes.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
            [UInt8](unsafeUninitializedCapacity: Self.pixelBytes) { out, filled in
                for pixel in 0..<Self.planeBytes {
                    out[3 * pixel] = bytes[start + pixel]
                    out[3 * pixel + 1] = bytes[start + Self.planeBytes + pixel]
                    out[3 * pixel + 2] = bytes[start + 2 * Self.planeBytes + pixel]
                }
                filled = Self.pixelBytes
            }
        }
        return PixelBuffer(width: Self.side, height: Self.side, channels: 3, pixels: pixels)
    }

    func identifier(at index: Int) -> String {
        let (batch, record) = place(of: index)
        return "\(batch.path), record \(record)"
    }

    func listed(at index: Int) -> ListedImage {
        let (batch, record) = place(of: index)
        let file = batch.path.split(separator: "/").last ?? ""
        return ListedImage(name: "\(file), record \(record)", bytes: Self.pixelBytes)
    }

    private func place(of index: Int) -> (batch: Batch, record: Int) {
        precondition(
            (0..<count).contains(index), "image \(index) of \(name), which has \(count)")
        // At most five batches, all but the last of one size.
        let batch = batches[min(index / batches[0].count, batches.count - 1)]
        return (batch, index - batch.first)
    }
}
