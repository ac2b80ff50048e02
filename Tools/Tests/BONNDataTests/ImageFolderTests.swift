import BONNImage
import BONNModelFormat
import Foundation
import Testing

@testable import BONNData

/// Two classes with names whose order differs between locales, and files in every spelling.
private func writeFolder(_ scratch: ScratchFolder, test: String = "test") throws {
    for (index, file) in ["Zebra/b.png", "Zebra/B.PNG", "ant/00010.png", "ant/00009.png"]
        .enumerated()
    {
        try scratch.write(randomImage(6, 5, seed: UInt64(index)), "train/\(file)")
    }
    for (index, file) in ["Zebra/1.png", "ant/0.png"].enumerated() {
        try scratch.write(randomImage(6, 5, seed: UInt64(10 + index)), "\(test)/\(file)")
    }
}

@Suite struct ImageFolderTests {
    @Test(arguments: ["test", "val", "valid", "validation", "Test", "VAL"])
    func `classes and files are sorted by their bytes`(test: String) throws {
        let scratch = try ScratchFolder()
        try writeFolder(scratch, test: test)
        let splits = try DatasetSplits.open(scratch.path)
        #expect(splits.kind == .imageFolder)
        #expect(splits.train.classNames == ["Zebra", "ant"])
        #expect(
            (0..<4).map { String(splits.train.identifier(at: $0).dropFirst(scratch.path.count)) }
                == [
                    "/train/Zebra/B.PNG", "/train/Zebra/b.png", "/train/ant/00009.png",
                    "/train/ant/00010.png",
                ])
        #expect((0..<4).map(splits.train.label) == [0, 0, 1, 1])
        #expect(try splits.train.image(at: 0) == randomImage(6, 5, seed: 1))
        #expect(try splits.test.image(at: 1) == randomImage(6, 5, seed: 11))
        #expect(splits.train.imageSize.map { [$0.width, $0.height] } == [6, 5])
    }

    @Test func `the order by file name runs through the classes`() throws {
        let scratch = try ScratchFolder()
        try writeFolder(scratch)
        var options = DatasetOptions()
        options.folderOrder = .fileName
        let train = try DatasetSplits.open(scratch.path, options: options).train
        #expect(
            (0..<4).map { train.identifier(at: $0).split(separator: "/").last } == [
                "00009.png", "00010.png", "B.PNG", "b.png",
            ])
        #expect((0..<4).map(train.label) == [1, 1, 0, 0])
    }

    @Test func `hidden files are passed over and others are counted`() throws {
        let scratch = try ScratchFolder()
        try writeFolder(scratch)
        try scratch.write("x", "train/Zebra/.DS_Store")
        try scratch.write("x", "train/.cache/file.png")
        try scratch.write("x", "train/ant/notes.txt")
        try scratch.write("x", "train/readme.md")
        let splits = try DatasetSplits.open(scratch.path)
        #expect(splits.train.count == 4 && splits.train.classNames.count == 2)
        #expect(try DatasetInfo(splits).train.leftOut.otherFiles == 2)
    }

    @Test func `images of differing sizes have no common size`() throws {
        let scratch = try ScratchFolder()
        try writeFolder(scratch)
        try scratch.write(randomImage(7, 5, seed: 3), "train/ant/wide.png")
        let splits = try DatasetSplits.open(scratch.path)
        #expect(splits.train.imageSize == nil && splits.test.imageSize != nil)
        let info = try DatasetInfo(splits)
        #expect(info.train.widths == 6...7 && info.train.heights == 5...5)
    }

    @Test func `a broken file is an error that names it, or is left out and counted`() throws {
        let scratch = try ScratchFolder()
        try writeFolder(scratch)
        let whole = try Data(contentsOf: URL(fileURLWithPath: scratch("train/ant/00009.png")))
        try scratch.write(Array(whole.dropLast(20)), "train/ant/00009.png")
        try scratch.write([], "train/Zebra/a.jpeg")
        var options = DatasetOptions()
        options.toleratesBrokenImages = true
        let splits = try DatasetSplits.open(scratch.path, options: options)
        #expect(splits.train.count == 5)
        // B.PNG, a.jpeg, b.png, 00009.png, 00010.png
        for index in [1, 3] {
            let error = #expect(throws: DataError.self) { try splits.train.image(at: index) }
            #expect(error?.code == .brokenImage)
            #expect(
                error?.message.hasPrefix(splits.train.identifier(at: index) + ": ") == true,
                "\(String(describing: error))")
        }
        options.skipsBrokenImages = true
        let sound = try DatasetSplits.open(scratch.path, options: options)
        #expect(sound.train.count == 3)
        #expect((0..<3).map(sound.train.label) == [0, 0, 1])
        #expect(
            try DatasetInfo(sound).train.leftOut.brokenFiles == [
                scratch("train/Zebra/a.jpeg"), scratch("train/ant/00009.png"),
            ])
    }

    @Test func `a folder of classes without a split is a test set`() throws {
        let scratch = try ScratchFolder()
        try scratch.write(randomImage(6, 5, seed: 0), "cat/1.png")
        try scratch.write(randomImage(6, 5, seed: 1), "dog/1.png")
        let test = try DatasetSplits.openTest(scratch.path)
        #expect(test.classNames == ["cat", "dog"] && test.count == 2)
    }

    @Test func `a test set with a class that is not trained is refused`() throws {
        let scratch = try ScratchFolder()
        try writeFolder(scratch)
        try scratch.write(randomImage(6, 5, seed: 3), "test/bee/1.png")
        let error = openingError(scratch.path)
        #expect(error?.code == .badClasses)
        #expect(
            error?.message
                == "\(scratch.path)/test has a class that \(scratch.path)/train does not have: bee; "
                + "\(scratch.path)/train has Zebra, ant")
    }

    @Test func `an empty class and a missing split are refused`() throws {
        let scratch = try ScratchFolder()
        try writeFolder(scratch)
        try scratch.write("x", "train/cow/a.bmp")
        #expect(
            openingError(scratch.path)?.message
                == "\(scratch.path)/train/cow: holds no file with the ending of an image "
                + "(.jpg, .jpeg, .png, .gif, .webp), found a.bmp; put images there or remove it")
        try FileManager.default.removeItem(atPath: scratch("train/cow"))
        try FileManager.default.moveItem(atPath: scratch("test"), toPath: scratch("tets"))
        #expect(
            openingError(scratch.path)?.message
                == "\(scratch.path)/test: no such folder, expected the test images test/CLASS/*, "
                + "val/CLASS/*, valid/CLASS/* or validation/CLASS/*")
        try FileManager.default.moveItem(atPath: scratch("tets"), toPath: scratch("test"))
        try FileManager.default.removeItem(atPath: scratch("train"))
        #expect(
            openingError(scratch.path)?.message
                == "\(scratch.path)/train: no such folder, expected the training images train/CLASS/*"
        )
    }

    @Test func `a path that is no data set is refused with what was found`() throws {
        let scratch = try ScratchFolder()
        #expect(openingError(scratch("absent"))?.code == .notFound)
        #expect(openingError(scratch.path)?.message.hasSuffix("found nothing") == true)
        for name in ["a", "b", "c", "d", "e", "f", "g"] { try scratch.write("x", name) }
        let error = openingError(scratch.path)
        #expect(error?.code == .notRecognised)
        #expect(error?.message.hasSuffix("found a, b, c, d, e and 2 more") == true)
        #expect(openingError(scratch("a"))?.message.contains("is a file") == true)
    }
}
