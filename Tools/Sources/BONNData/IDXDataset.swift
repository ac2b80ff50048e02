import BONNImage
import BONNModelFormat

/// One split of an IDX folder, the format of MNIST and its family: gray images of one size in one
/// file, labels in another, both with big-endian headers.
///
/// There are ten classes, named by their digits, unless the folder has a `label_names.txt`.
struct IDXDataset: ImageDataset {
    let name: String
    let classNames: [Name]
    let classesAreNumbered: Bool
    let channels = 1
    let count: Int
    let imageSize: (width: Int, height: Int)?

    private let images: IDXFile
    private let labels: IDXFile
    private let width: Int
    private let height: Int

    /// The first half of the names of the two files of a split.
    static func prefixes(_ split: Split) -> [String] {
        split == .train ? ["train"] : ["t10k", "test"]
    }

    init(_ folder: String, names: [String], split: Split) throws(DataError) {
        name = "\(folder) (\(split.rawValue))"
        classesAreNumbered = !names.contains(Self.nameFile)
        classNames =
            try classesAreNumbered
            ? (0..<10).map { "\($0)" }
            : ClassNames.read(
                folder.appending(component: Self.nameFile), what: "one class name a line",
                count: 2...256)
        images = try IDXFile(
            try Self.file("images", rank: 3, folder, names, split),
            dimensions: ["images", "rows", "columns"])
        labels = try IDXFile(
            try Self.file("labels", rank: 1, folder, names, split), dimensions: ["labels"])
        count = images.sizes[0]
        height = images.sizes[1]
        width = images.sizes[2]
        imageSize = (width, height)
        guard labels.sizes[0] == count else {
            throw DataError(
                .badShape,
                "\(labels.path): holds \(grouped(labels.sizes[0])) labels but \(images.path) holds "
                    + "\(grouped(count)) images; the two belong to different sets")
        }
        let limit = classNames.count
        if let bad = (0..<count).first(where: { Int(labels.byte($0)) >= limit }) {
            throw DataError(
                .badLabel,
                "\(labels.path): label \(labels.byte(bad)) of image \(grouped(bad)) (byte "
                    + "\(grouped(labels.offset(bad)))), expected 0 to \(limit - 1); name the classes "
                    + "in \(Self.nameFile) if there are more")
        }
    }

    /// The list of the names of the classes, which a folder need not have.
    static let nameFile = "label_names.txt"

    /// The path of one file of the split, spelled with `-` or `.` before `idx`.
    private static func file(
        _ content: String, rank: Int, _ folder: String, _ names: [String], _ split: Split
    ) throws(DataError) -> String {
        let spellings = prefixes(split).flatMap { prefix in
            ["-", "."].map { "\(prefix)-\(content)\($0)idx\(rank)-ubyte" }
        }
        for spelling in spellings where names.contains(spelling) {
            return folder.appending(component: spelling)
        }
        let path = folder.appending(component: spellings[0])
        for spelling in spellings where names.contains(spelling + ".gz") {
            let packed = folder.appending(component: spelling + ".gz")
            throw DataError(.notFound, "\(packed): is compressed; run: gunzip '\(packed)'")
        }
        throw DataError(
            .notFound, "\(path): no such file, expected the \(split.rawValue) \(content)")
    }

    func label(at index: Int) -> Int {
        precondition((0..<count).contains(index), "image \(index) of \(name), which has \(count)")
        return Int(labels.byte(index))
    }

    func image(at index: Int) throws(DataError) -> PixelBuffer {
        precondition((0..<count).contains(index), "image \(index) of \(name), which has \(count)")
        let size = width * height
        return PixelBuffer(
            width: width, height: height, channels: 1,
            pixels: images.bytes(index * size, count: size))
    }

    func identifier(at index: Int) -> String {
        "\(images.path), image \(index)"
    }

    func listed(at index: Int) -> ListedImage {
        ListedImage(name: "image \(index)", bytes: width * height)
    }
}

/// A byte in two hexadecimal digits.
func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
}
