import BONNImage
import BONNImageIO
import BONNModelFormat
import Foundation
import Testing

@testable import BONNData

private func same(_ a: any ImageDataset, _ b: any ImageDataset) throws -> Bool {
    guard a.count == b.count, a.classNames == b.classNames else { return false }
    for index in 0..<a.count {
        let (x, y) = (try a.image(at: index), try b.image(at: index))
        guard a.label(at: index) == b.label(at: index), x.rgb() == y.rgb() else { return false }
    }
    return true
}

@Suite struct ConvertTests {
    /// Counts that are and are not a multiple of the five batches of CIFAR-10.
    @Test(arguments: [50, 14, 16])
    func `CIFAR-10 to image files and back gives the same bytes`(count: Int) throws {
        let scratch = try ScratchFolder()
        var options = DatasetOptions()
        options.folderOrder = .fileName
        options.synthetic = SyntheticOptions(trainCount: count, testCount: 10)
        let drawn = try DatasetSplits.open("synthetic", options: options)
        var reports: [[Int]] = []
        try DatasetConvert(drawn, to: .cifar10).run(into: scratch("binary")) {
            reports.append([$0, $1])
        }
        #expect(reports == (1...count + 10).map { [$0, count + 10] })
        let binary = try DatasetSplits.open(scratch("binary"))
        #expect(try same(drawn.train, binary.train) && same(drawn.test, binary.test))

        try DatasetConvert(binary, to: .images).run(into: scratch("images"))
        let images = try DatasetSplits.open(scratch("images"), options: options)
        // Folders sort the classes by name, so labels change but class names do not.
        #expect(images.train.classNames == drawn.train.classNames.sorted())
        for index in 0..<count {
            #expect(try images.train.image(at: index) == binary.train.image(at: index))
            #expect(
                images.train.classNames[images.train.label(at: index)]
                    == binary.train.classNames[binary.train.label(at: index)], "image \(index)")
        }
        try DatasetConvert(images, to: .cifar10).run(into: scratch("again"))
        let again = try DatasetSplits.open(scratch("again"))
        #expect(try same(images.train, again.train) && same(images.test, again.test))
        #expect(try scratch.contents() == ["binary", "images", "again"])
    }

    @Test func `gray images become IDX files and colours are refused`() throws {
        let scratch = try ScratchFolder()
        for index in 0..<4 {
            let gray = randomImage(5, 3, channels: 1, seed: UInt64(index))
            try scratch.write(gray, "gray/train/c\(index % 2)/\(index).png")
            try scratch.write(gray, "gray/test/c\(index % 2)/\(index).png")
        }
        let gray = try DatasetSplits.open(scratch("gray"))
        try DatasetConvert(gray, to: .idx).run(into: scratch("idx"))
        let idx = try DatasetSplits.open(scratch("idx"))
        #expect(idx.kind == .idx)
        #expect(try same(gray.train, idx.train) && same(gray.test, idx.test))

        let error = #expect(throws: DataError.self) {
            try DatasetConvert(try DatasetSplits.open("synthetic:20"), to: .idx)
                .run(into: scratch("colour"))
        }
        #expect(error?.message.contains("expected no colour for IDX") == true)
        #expect(try scratch.contents() == ["gray", "idx"])
    }

    @Test func `what a format cannot hold is refused`() throws {
        let scratch = try ScratchFolder()
        for split in ["train", "test"] {
            for name in 0..<10 {
                try scratch.write(
                    randomImage(name == 7 ? 31 : 32, 32, seed: 1), "odd/\(split)/\(name)/1.png")
            }
            try scratch.write(randomImage(32, 32, seed: 1), "few/\(split)/a/1.png")
        }
        let odd = #expect(throws: DataError.self) {
            try DatasetConvert(try DatasetSplits.open(scratch("odd")), to: .cifar10)
                .run(into: scratch("out"))
        }
        #expect(
            odd?.message
                == "\(scratch("odd/train/7/1.png")): is 31x32 with 3 channels, expected 32x32 in "
                + "colour for CIFAR-10")
        let few = #expect(throws: DataError.self) {
            try DatasetConvert(try DatasetSplits.open(scratch("few")), to: .cifar10)
                .run(into: scratch("out"))
        }
        #expect(few?.code == .badShape)
        #expect(try scratch.contents() == ["odd", "few"])
    }

    @Test func `a validation set is written where the format has a place for it`() throws {
        let scratch = try ScratchFolder()
        let drawn = try DatasetSplits.open("synthetic:20")
        let splits = DatasetSplits(
            kind: .synthetic, train: drawn.train, validation: drawn.test, test: drawn.train)
        var last = 0
        try DatasetConvert(splits, to: .images).run(into: scratch("images")) { done, total in
            #expect(done == last + 1 && total == 50)
            last = done
        }
        let written = try ImageFolderDataset(
            scratch("images/validation"), options: DatasetOptions())
        #expect(written.count == 10)
        let error = #expect(throws: DataError.self) {
            try DatasetConvert(splits, to: .cifar10).run(into: scratch("binary"))
        }
        #expect(error?.message.contains("and no validation set; convert to images") == true)
        #expect(try scratch.contents() == ["images"])
    }

    @Test(arguments: ["a\nb", "a\r", "\r\n"])
    func `a class of more than a line fits no list of classes`(name: String) throws {
        let scratch = try ScratchFolder()
        for (split, name) in [("train", name), ("test", name), ("train", "b"), ("test", "b")] {
            try scratch.write(randomImage(4, 4, channels: 1, seed: 1), "in/\(split)/\(name)/1.png")
        }
        let error = #expect(throws: DataError.self) {
            try DatasetConvert(try DatasetSplits.open(scratch("in")), to: .idx)
                .run(into: scratch("out"))
        }
        #expect(error?.code == .badClasses)
        #expect(error?.message.contains("cannot be a line of label_names.txt") == true)
        #expect(error?.message.utf8.allSatisfy { $0 >= 0x20 } == true)
    }

    @Test func `a folder that cannot be made is an error with the system's reason`() throws {
        let scratch = try ScratchFolder()
        try scratch.write("x", "file")
        let error = #expect(throws: DataError.self) {
            try DatasetConvert(try DatasetSplits.open("synthetic:20"), to: .images)
                .run(into: scratch("file/out"))
        }
        #expect(error?.code == .unwritable)
        #expect(
            error?.message.contains("cannot be looked up (Not a directory)") == true,
            "\(String(describing: error))")
    }

    @Test func `a test set with some of the classes is written and read back as it is`() throws {
        let scratch = try ScratchFolder()
        for path in ["train/a/1", "train/b/1", "train/c/1", "val/c/1", "test/b/1", "test/b/2"] {
            try scratch.write(
                randomImage(4, 4, channels: 1, seed: 1).rgb(), "in/\(path).png")
        }
        let splits = try DatasetSplits.open(scratch("in"))
        try DatasetConvert(splits, to: .images).run(into: scratch("out"))
        let again = try DatasetSplits.open(scratch("out"))
        #expect(again.train.classNames == ["a", "b", "c"])
        #expect(again.test.classCounts() == [0, 2, 0] && again.validation?.label(at: 0) == 2)
        try DatasetConvert(
            DatasetSplits(kind: .imageFolder, train: splits.train, test: splits.test), to: .idx
        ).run(into: scratch("idx"))
        #expect(try DatasetSplits.open(scratch("idx")).test.classCounts() == [0, 2, 0])
        // Of two images, none is of the third class.
        let few = DatasetSplits(
            kind: .imageFolder, train: splits.train.first(2), test: splits.test)
        let error = #expect(throws: DataError.self) {
            try DatasetConvert(few, to: .images).run(into: scratch("few"))
        }
        #expect(error?.message.contains("the class 'c' has no image") == true)
        #expect(!FileManager.default.fileExists(atPath: scratch("few")))
    }
}

@Suite struct DatasetInfoTests {
    @Test func `counts, sizes and statistics are those of the pixels`() throws {
        let scratch = try ScratchFolder()
        // Red is 10 and 30, green 0 and 255, blue always 7.
        try scratch.write(
            PixelBuffer(width: 2, height: 1, channels: 3, pixels: [10, 0, 7, 30, 255, 7]),
            "train/a/1.png")
        try scratch.write(
            PixelBuffer(width: 1, height: 2, channels: 3, pixels: [10, 0, 7, 30, 255, 7]),
            "train/b/1.png")
        try scratch.write(
            PixelBuffer(width: 1, height: 1, channels: 3, pixels: [0, 0, 0]), "test/a/1.png")
        try scratch.write(
            PixelBuffer(width: 1, height: 1, channels: 3, pixels: [2, 2, 2]), "test/b/1.png")
        let splits = try DatasetSplits.open(scratch.path)
        let info = try DatasetInfo(splits)
        #expect(info.train.count == 2 && info.train.classCounts == [1, 1])
        #expect(info.train.widths == 1...2 && info.train.heights == 1...2)
        let grey = 1.0 / 255.0
        let mean = [20 * grey, 127.5 * grey, 7 * grey]
        let std = [10 * grey, 127.5 * grey, grey]
        #expect(areClose(info.train.statistics.mean, mean))
        // The deviation of a constant channel is one grey level, so that it can divide.
        #expect(areClose(info.train.statistics.std, std))
        #expect(PixelSums(channels: 3).statistics == nil)
        #expect(areClose(info.test.statistics.mean, [grey, grey, grey]))
    }

    private func areClose(_ a: [Double], _ b: [Double]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-12 }
    }
}
