import BONNImage
import BONNModelFormat
import Foundation
import Testing

@testable import BONNData

/// An IDX file: magic, sizes, elements.
private func idx(_ sizes: [Int], _ elements: [UInt8], type: UInt8 = 8) -> [UInt8] {
    var bytes: [UInt8] = [0, 0, type, UInt8(sizes.count)]
    for size in sizes {
        withUnsafeBytes(of: UInt32(size).bigEndian) { bytes += $0 }
    }
    return bytes + elements
}

private func writeMNIST(_ scratch: ScratchFolder, separator: String = "-") throws {
    for (prefix, count, seed) in [("train", 6, 1), ("t10k", 3, 2)] {
        try scratch.write(
            idx([count, 5, 4], randomBytes(count * 20, seed: UInt64(seed))),
            "\(prefix)-images\(separator)idx3-ubyte")
        try scratch.write(
            idx([count], (0..<count).map { UInt8(9 - $0) }),
            "\(prefix)-labels\(separator)idx1-ubyte")
    }
}

@Suite struct IDXTests {
    @Test(arguments: ["-", "."])
    func `an IDX folder gives gray images and labels`(separator: String) throws {
        let scratch = try ScratchFolder()
        try writeMNIST(scratch, separator: separator)
        let splits = try DatasetSplits.open(scratch.path)
        #expect(splits.kind == .idx && splits.train.channels == 1)
        #expect(splits.train.count == 6 && splits.test.count == 3)
        #expect(splits.train.classNames.map(\.text) == (0...9).map(String.init))
        #expect((0..<6).map(splits.train.label) == [9, 8, 7, 6, 5, 4])
        let pixels = randomBytes(120, seed: 1)
        for index in 0..<6 {
            #expect(
                try splits.train.image(at: index)
                    == PixelBuffer(
                        width: 4, height: 5, channels: 1,
                        pixels: Array(pixels[index * 20..<(index + 1) * 20])))
        }
    }

    @Test func `label names raise the number of classes`() throws {
        let scratch = try ScratchFolder()
        try writeMNIST(scratch)
        try scratch.write(idx([3], [0, 25, 3]), "t10k-labels-idx1-ubyte")
        let error = openingError(scratch.path)
        #expect(error?.code == .badLabel)
        #expect(error?.message.contains("label 25 of image 1 (byte 9), expected 0 to 9") == true)
        try scratch.write((0..<26).map { "letter\($0)\n" }.joined(), "label_names.txt")
        let splits = try DatasetSplits.open(scratch.path)
        #expect(splits.test.label(at: 1) == 25 && splits.test.classNames.count == 26)
    }

    /// Sparse files: they take no space on the disk, and memory for them would be taken in earnest.
    @Test func `a file of another size than its header tells is refused before it is read`() throws
    {
        let scratch = try ScratchFolder()
        try writeMNIST(scratch)
        #expect(truncate(scratch("train-images-idx3-ubyte"), 3 << 30) == 0)
        let before = try residentMemory()
        let start = ContinuousClock.now
        let error = openingError(scratch.path)
        #expect(error?.code == .oversized)
        #expect(error?.message.contains("holds 3,221,225,472 bytes, expected 16 + 120") == true)
        let grown = try residentMemory() - before
        #expect(grown < 100 << 20)
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test func `an empty file is cut, and a pipe and a folder are no files`() throws {
        let scratch = try ScratchFolder()
        try writeMNIST(scratch)
        let labels = scratch.path + "/t10k-labels-idx1-ubyte"
        try scratch.write([], "t10k-labels-idx1-ubyte")
        #expect(openingError(scratch.path)?.code == .truncated)
        for make in [{ mkfifo($0, 0o600) }, { mkdir($0, 0o700) }] as [(String) -> CInt] {
            #expect(remove(labels) == 0 && make(labels) == 0)
            let error = openingError(scratch.path)
            #expect(error?.code == .unreadable)
            #expect(error?.message.contains(", expected an IDX file") == true)
        }
    }

    @Test func `a compressed file gets the command that unpacks it`() throws {
        let scratch = try ScratchFolder()
        try scratch.write([0x1F, 0x8B, 8, 0], "train-images-idx3-ubyte.gz")
        let packed = scratch("train-images-idx3-ubyte.gz")
        #expect(
            openingError(scratch.path)
                == DataError(.notFound, "\(packed): is compressed; run: gunzip '\(packed)'"))
    }

    struct Case: CustomTestStringConvertible {
        let name: String
        let code: DataError.Code
        let file: String
        let says: [String]
        let bytes: [UInt8]

        var testDescription: String { name }
    }

    static let images = "t10k-images-idx3-ubyte"
    static let labels = "t10k-labels-idx1-ubyte"
    static let cases = [
        Case(
            name: "labels where images belong", code: .badMagic, file: images,
            says: ["begins with 00 00 08 01, expected 00 00 08 03"], bytes: idx([3], [1, 2, 3])),
        Case(
            name: "signed elements", code: .badMagic, file: labels,
            says: ["begins with 00 00 09 01"], bytes: idx([3], [1, 2, 3], type: 9)),
        Case(
            name: "gzip data under the plain name", code: .badMagic, file: labels,
            says: ["begins with 1f 8b 08 00", "gunzip it"], bytes: [0x1F, 0x8B, 8, 0, 0, 0, 0, 0]),
        Case(name: "empty", code: .truncated, file: images, says: ["holds 0 bytes"], bytes: []),
        Case(
            name: "cut in the header", code: .truncated, file: images,
            says: ["holds 15 bytes, expected an IDX header of 16"],
            bytes: Array(idx([3, 5, 4], []).dropLast())),
        Case(
            name: "cut in the elements", code: .truncated, file: images,
            says: ["holds 75 bytes, expected 16 + 60 for 3 images, 5 rows, 4 columns"],
            bytes: idx([3, 5, 4], [UInt8](repeating: 0, count: 59))),
        Case(
            name: "too long", code: .oversized, file: labels,
            says: ["holds 12 bytes, expected 8 + 3 for 3 labels"], bytes: idx([3], [1, 2, 3, 4])),
        Case(
            name: "no rows", code: .badShape, file: images,
            says: ["states 0 rows at byte 8"], bytes: idx([3, 0, 4], [])),
        Case(
            name: "sizes that overflow", code: .badShape, file: images,
            says: ["states 4,294,967,295 images at byte 4"],
            bytes: idx([0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], [])),
        Case(
            name: "another number of labels", code: .badShape, file: labels,
            says: ["holds 2 labels but", "holds 3 images"], bytes: idx([2], [1, 2])),
    ]

    @Test(arguments: cases)
    func `a wrong IDX file is named with what was expected and found`(_ wrong: Case) throws {
        let scratch = try ScratchFolder()
        try writeMNIST(scratch)
        try scratch.write(wrong.bytes, wrong.file)
        let error = try #require(openingError(scratch.path))
        #expect(error.code == wrong.code)
        #expect(error.message.hasPrefix(scratch(wrong.file) + ": "), "\(error)")
        for part in wrong.says { #expect(error.message.contains(part), "\(error)") }
    }
}
