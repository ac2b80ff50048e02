import BONNImage
import BONNModelFormat
import Foundation
import Testing

@testable import BONNData

/// The names of the classes that the tests write.
private let names = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
]

/// Writes a small CIFAR-10 folder: three records in each training batch, four in the test batch.
private func writeCIFAR10(_ scratch: ScratchFolder, in folder: String = "") throws {
    try scratch.write(names.joined(separator: "\n") + "\n\n", folder + "batches.meta.txt")
    for batch in 1...5 {
        try scratch.write(records(3, seed: UInt64(batch)), folder + "data_batch_\(batch).bin")
    }
    try scratch.write(records(4, seed: 6), folder + "test_batch.bin")
}

/// Records with the labels seed, seed + 1, ... modulo 10 and random pixels.
private func records(_ count: Int, seed: UInt64, labels: [UInt8]? = nil) -> [UInt8] {
    var bytes: [UInt8] = []
    for index in 0..<count {
        bytes += labels ?? [UInt8((Int(seed) + index) % 10)]
        bytes += randomBytes(3072, seed: 100 * seed + UInt64(index))
    }
    return bytes
}

@Suite struct CIFARTests {
    @Test func `a file of too many records is refused before it is read`() throws {
        let scratch = try ScratchFolder()
        try scratch.write((0..<10).map { "class\($0)\n" }.joined(), "batches.meta.txt")
        for batch in 1...5 { try scratch.write([], "data_batch_\(batch).bin") }
        try scratch.write([], "test_batch.bin")
        #expect(truncate(scratch("data_batch_1.bin"), 3073 << 20) == 0)
        let before = try residentMemory()
        #expect(openingError(scratch.path)?.code == .oversized)
        let grown = try residentMemory() - before
        #expect(grown < 100 << 20)
    }

    @Test func `a CIFAR-10 folder gives the records of its files in order`() throws {
        let scratch = try ScratchFolder()
        try writeCIFAR10(scratch)
        let splits = try DatasetSplits.open(scratch.path)
        #expect(splits.kind == .cifar10)
        #expect(splits.train.count == 15 && splits.test.count == 4)
        #expect(splits.train.classNames.map(\.text) == names)
        #expect(splits.train.imageSize.map { [$0.width, $0.height] } == [32, 32])
        for index in 0..<15 {
            let seed = UInt64(index / 3 + 1)
            #expect(splits.train.label(at: index) == (Int(seed) + index % 3) % 10)
            let planes = randomBytes(3072, seed: 100 * seed + UInt64(index % 3))
            let image = try splits.train.image(at: index)
            for (y, x, c) in [(0, 0, 0), (0, 1, 2), (17, 31, 1), (31, 31, 2)] {
                let found = image.pixels[(y * 32 + x) * 3 + c]
                let written = planes[c * 1024 + y * 32 + x]
                #expect(found == written, "image \(index), row \(y), column \(x), channel \(c)")
            }
        }
        #expect(splits.train.identifier(at: 4).hasSuffix("data_batch_2.bin, record 1"))
    }

    @Test func `the folder of the archive is found one level down`() throws {
        let scratch = try ScratchFolder()
        try writeCIFAR10(scratch, in: "cifar-10-batches-bin/")
        #expect(try DatasetSplits.open(scratch.path).train.count == 15)
    }

    @Test func `the test split opens without the training files`() throws {
        let scratch = try ScratchFolder()
        try writeCIFAR10(scratch)
        try FileManager.default.removeItem(atPath: scratch("data_batch_3.bin"))
        #expect(try DatasetSplits.openTest(scratch.path).count == 4)
        let error = openingError(scratch.path)
        #expect(
            error
                == DataError(
                    .notFound,
                    "\(scratch.path)/data_batch_3.bin: no such file, expected a file of CIFAR-10 "
                        + "records"))
    }

    @Test func `CIFAR-100 has fine labels, or coarse ones as an option`() throws {
        let scratch = try ScratchFolder()
        let fine = (0..<100).map { "fine\($0)" }
        let coarse = (0..<20).map { "coarse\($0)" }
        try scratch.write(fine.joined(separator: "\n"), "fine_label_names.txt")
        try scratch.write(coarse.joined(separator: "\n"), "coarse_label_names.txt")
        try scratch.write(
            records(1, seed: 1, labels: [3, 77]) + records(1, seed: 2, labels: [19, 0]), "train.bin"
        )
        try scratch.write(records(1, seed: 3, labels: [4, 99]), "test.bin")
        let splits = try DatasetSplits.open(scratch.path)
        #expect(splits.kind == .cifar100 && splits.train.classNames.map(\.text) == fine)
        #expect((0..<2).map(splits.train.label) == [77, 0] && splits.test.label(at: 0) == 99)
        var options = DatasetOptions()
        options.coarseLabels = true
        let groups = try DatasetSplits.open(scratch.path, options: options)
        #expect(groups.train.classNames.map(\.text) == coarse)
        #expect((0..<2).map(groups.train.label) == [3, 19] && groups.test.label(at: 0) == 4)
        let image = try splits.train.image(at: 1)
        #expect(image == (try groups.train.image(at: 1)))
        #expect(image.pixels[0] == randomBytes(3072, seed: 200)[0])
    }
}

/// Every way in which a CIFAR-10 folder can be wrong, and what is said.
@Suite struct BadCIFARTests {
    struct Case: CustomTestStringConvertible {
        let name: String
        let code: DataError.Code
        let file: String
        let says: [String]
        let bytes: [UInt8]

        var testDescription: String { name }
    }

    static let cases = [
        Case(
            name: "cut inside a record", code: .truncated, file: "data_batch_2.bin",
            says: ["9,218 bytes end 3,072 bytes into record 2", "10,000 records of 3,073 bytes"],
            bytes: Array(records(3, seed: 2).dropLast())),
        Case(
            name: "cut between records", code: .truncated, file: "data_batch_2.bin",
            says: ["holds 2 records", "data_batch_1.bin holds 3", "copy or download"],
            bytes: records(2, seed: 2)),
        Case(
            name: "one byte too many", code: .truncated, file: "test_batch.bin",
            says: ["12,293 bytes end 1 bytes into record 4"], bytes: records(4, seed: 6) + [0]),
        Case(
            name: "empty", code: .truncated, file: "test_batch.bin",
            says: ["is empty, expected 10,000 records of 3,073 bytes"], bytes: []),
        Case(
            name: "a label that is no class", code: .badLabel, file: "test_batch.bin",
            says: ["label 10 in record 1 (byte 3,073), expected 0 to 9"],
            bytes: records(1, seed: 6) + records(1, seed: 7, labels: [10])),
        Case(
            name: "more records than the data set has", code: .oversized, file: "test_batch.bin",
            says: ["holds 10,001 records, CIFAR-10 has 10,000 records of 3,073 bytes"],
            bytes: [UInt8](repeating: 0, count: 10_001 * 3073)),
        Case(
            name: "too few class names", code: .badClasses, file: "batches.meta.txt",
            says: ["expected 10 different class names, one a line, found 2 in 2 lines"],
            bytes: Array("cat\ndog\n".utf8)),
        Case(
            name: "a class name twice", code: .badClasses, file: "batches.meta.txt",
            says: ["found 9 in 10 lines"],
            bytes: Array((names.dropLast() + ["cat"]).joined(separator: "\n").utf8)),
        Case(
            name: "class names that are not text", code: .badClasses, file: "batches.meta.txt",
            says: ["is not UTF-8 text"], bytes: [0xFF, 0xFE, 0x41]),
    ]

    @Test(arguments: cases)
    func `a wrong file is named with what was expected and found`(_ wrong: Case) throws {
        let scratch = try ScratchFolder()
        try writeCIFAR10(scratch)
        try scratch.write(wrong.bytes, wrong.file)
        let error = try #require(openingError(scratch.path))
        #expect(error.code == wrong.code)
        #expect(error.message.hasPrefix(scratch(wrong.file) + ": "), "\(error)")
        for part in wrong.says { #expect(error.message.contains(part), "\(error)") }
        #expect(!error.message.contains("\n"))
    }

    @Test func `a folder in the place of a file is refused`() throws {
        let scratch = try ScratchFolder()
        try writeCIFAR10(scratch)
        try FileManager.default.removeItem(atPath: scratch("test_batch.bin"))
        try scratch.write("x", "test_batch.bin/inside")
        #expect(openingError(scratch.path)?.code == .unreadable)
    }
}
