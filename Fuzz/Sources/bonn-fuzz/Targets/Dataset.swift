import BONNData
import BONNImage
import Foundation

extension Target {
    /// The files of a CIFAR test set: a byte (odd: CIFAR-100), two bytes of the length of the class names,
    /// these, and the records. Every image of a set that opens has its size and a label of a class.
    static let cifar = Target(
        name: "cifar",
        check: { bytes in
            guard bytes.count >= 3 else { return false }
            let is100 = bytes[0] % 2 == 1
            let names = Int(bytes[1]) << 8 | Int(bytes[2])
            let files = [
                (
                    is100 ? "fine_label_names.txt" : "batches.meta.txt",
                    bytes.dropFirst(3).prefix(names)
                ),
                (is100 ? "test.bin" : "test_batch.bin", bytes.dropFirst(3 + names)),
            ]
            try checkImages(try ScratchDataset.open(files), side: 32)
            return true
        },
        seeds: {
            let ten = (0..<10).map { "class \($0)\n" }.joined()
            let hundred = (0..<100).map { "\($0)\r\n" }.joined()
            let pixels = (0..<3_072).map { UInt8(truncatingIfNeeded: $0) }
            return [
                cifar(0, ten, [9] + pixels), cifar(0, ten, [0] + pixels + [1] + pixels),
                cifar(1, hundred, [19, 99] + pixels), cifar(0, "a\na\n", [0]),
            ]
        },
        mutate: CIFARMutation.mutate)

    private static func cifar(_ kind: UInt8, _ names: String, _ records: [UInt8]) -> [UInt8] {
        let names = Array(names.utf8)
        return [kind, UInt8(names.count >> 8), UInt8(names.count & 255)] + names + records
    }

    /// The files of an IDX test set: a byte each of the length of the labels and of the class names
    /// (0: no such file), these two, and the images.
    static let idx = Target(
        name: "idx",
        check: { bytes in
            guard bytes.count >= 2 else { return false }
            let labels = bytes.dropFirst(2).prefix(Int(bytes[0]))
            let names = bytes.dropFirst(2 + labels.count).prefix(Int(bytes[1]))
            var files = [
                ("t10k-labels-idx1-ubyte", labels),
                ("t10k-images-idx3-ubyte", bytes.dropFirst(2 + labels.count + names.count)),
            ]
            if bytes[1] > 0 { files.append(("label_names.txt", names)) }
            try checkImages(try ScratchDataset.open(files), side: nil)
            return true
        },
        seeds: {
            let images: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3] + (0..<12)
            let labels: [UInt8] = [0, 0, 8, 1, 0, 0, 0, 2, 7, 9]
            let names = Array("one\ntwo\r\n".utf8)
            return [
                [10, 0] + labels + images,
                [10, UInt8(names.count)] + labels.dropLast(2) + [1, 0] + names + images,
                [9, 0] + labels.dropLast() + images,
            ]
        },
        mutate: IDXMutation.mutate)

    private static func checkImages(_ set: any ImageDataset, side: Int?) throws {
        try promise(Set(set.classNames).count == set.classNames.count, "two classes of one name")
        let size = set.imageSize ?? (0, 0)
        try promise(side == nil || size == (side, side), "images of \(size)")
        for index in 0..<min(set.count, 100) {
            let image = try promise("reading image \(index)") { try set.image(at: index) }
            try promise((image.width, image.height) == size, "image \(index) has another size")
            try promise(image.channels == set.channels, "image \(index) has other channels")
            try promise(
                set.classNames.indices.contains(set.label(at: index)),
                "image \(index) has the label \(set.label(at: index))")
        }
        try promise(set.classCounts().reduce(0, +) == set.count, "classes do not add up")
    }
}

/// A folder in memory that holds the files of one input.
private enum ScratchDataset {
    static let folder: String = {
        let root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NSTemporaryDirectory()
        let folder = "\(root)/bonn-fuzz-\(getpid())"
        mkdir(folder, 0o700)
        atexit { try? FileManager.default.removeItem(atPath: ScratchDataset.folder) }
        return folder
    }()

    /// Writes the files, opens the data set that they are, and removes them.
    static func open(_ files: [(name: String, bytes: ArraySlice<UInt8>)]) throws -> any ImageDataset
    {
        for file in files {
            try promise("writing \(file.name)") {
                try Data(file.bytes).write(to: URL(fileURLWithPath: "\(folder)/\(file.name)"))
            }
        }
        // An open set has read its files.
        defer { for file in files { unlink("\(folder)/\(file.name)") } }
        return try DatasetSplits.openTest(folder)
    }
}
