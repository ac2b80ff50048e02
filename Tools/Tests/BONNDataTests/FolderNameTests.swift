import BONNImage
import BONNModelFormat
import Foundation
import Testing

@testable import BONNData

/// Names of classes and files as file systems have them: bytes.
@Suite struct FolderNameTests {
    private let scratch: ScratchFolder
    /// One letter as one code point and as two.
    private let composed = "caf\u{E9}"
    private let decomposed = "cafe\u{301}"

    init() throws { scratch = try ScratchFolder() }

    private func image(_ path: String, seed: UInt64 = 0) throws {
        try scratch.write(randomImage(6, 5, seed: seed), path)
    }

    /// Makes a folder whose name is these bytes.
    private func makeFolder(_ parent: String, bytes: [UInt8]) {
        let path = Array(scratch(parent).utf8) + [UInt8(ascii: "/")] + bytes + [0]
        path.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { _ = mkdir($0.baseAddress!, 0o777) }
        }
    }

    @Test func `a class in another Unicode form is an error that shows the bytes`() throws {
        for path in ["train/\(decomposed)/1.png", "train/dog/1.png", "test/\(composed)/1.png"] {
            try image(path)
        }
        let error = try #require(openingError(scratch.path))
        #expect(error.code == .badClasses)
        #expect(error.message.contains("Unicode form"), "\(error)")
    }

    @Test func `two forms of one class in one part are an error and no trap`() throws {
        for path in [
            "train/\(decomposed)/1.png", "train/\(composed)/1.png", "test/\(composed)/1.png",
        ] {
            try image(path)
        }
        #expect(openingError(scratch.path)?.message.contains("Unicode form") == true)
    }

    @Test func `a class name that is not UTF-8 is an error that names it`() throws {
        try image("train/dog/1.png")
        try image("test/dog/1.png")
        makeFolder("train", bytes: Array("caf".utf8) + [0o351])
        let error = try #require(openingError(scratch.path))
        #expect(error.code == .badName)
        #expect(error.message.contains("'caf\\351'"), "\(error)")
    }

    @Test func `a link to nothing as a class, and one in a circle, are errors that name them`()
        throws
    {
        try image("train/dog/1.png")
        try image("test/dog/1.png")
        for target in ["nowhere", "cat"] {
            try FileManager.default.createSymbolicLink(
                atPath: scratch("train/cat"), withDestinationPath: target)
            let error = try #require(openingError(scratch.path))
            #expect(error.code == .unreadable && error.message.contains("/train/cat"), "\(error)")
            try FileManager.default.removeItem(atPath: scratch("train/cat"))
        }
    }

    @Test func `links to folders and files are followed`() throws {
        try image("elsewhere/1.png")
        try image("train/dog/1.png")
        try image("test/dog/1.png")
        for part in ["train", "test"] {
            try FileManager.default.createSymbolicLink(
                atPath: scratch("\(part)/cat"), withDestinationPath: "../elsewhere")
        }
        #expect(try DatasetSplits.open(scratch.path).train.classNames == ["cat", "dog"])
    }

    @Test func `a link to nothing as an image is an error, or broken where those are tolerated`()
        throws
    {
        try image("train/dog/1.png")
        try image("test/dog/1.png")
        try FileManager.default.createSymbolicLink(
            atPath: scratch("train/dog/2.png"), withDestinationPath: "nowhere")
        #expect(openingError(scratch.path)?.message.contains("/train/dog/2.png") == true)
        var options = DatasetOptions()
        options.toleratesBrokenImages = true
        #expect(try DatasetSplits.open(scratch.path, options: options).train.count == 2)
        options.skipsBrokenImages = true
        #expect(try DatasetSplits.open(scratch.path, options: options).train.count == 1)
    }

    @Test func `a test set with some of the classes keeps the labels of training, and says so`()
        throws
    {
        for path in [
            "train/ant/1.png", "train/bee/1.png", "train/cow/1.png", "test/bee/1.png",
            "test/cow/1.png",
        ] {
            try image(path)
        }
        let splits = try DatasetSplits.open(scratch.path)
        #expect((0..<2).map(splits.test.label) == [1, 2])
        #expect(splits.test.classNames == ["ant", "bee", "cow"])
        #expect(
            splits.notes.count == 1 && splits.notes[0].contains("without ant"), "\(splits.notes)")
    }

    @Test func `an unreadable image has no size, and so does not differ`() throws {
        for index in 0..<3 { try image("train/dog/\(index).png", seed: UInt64(index)) }
        try image("test/dog/1.png")
        try scratch.write([], "train/dog/empty.png")
        let error = try #require(openingError(scratch.path))
        #expect(error.code == .brokenImage && error.message.contains("/train/dog/empty.png"))
        var options = DatasetOptions()
        options.toleratesBrokenImages = true
        let train = try DatasetSplits.open(scratch.path, options: options).train
        #expect(train.count == 4)
        #expect(train.imageSize.map { [$0.width, $0.height] } == [6, 5])
        try scratch.write([], "test/dog/1.png")
        #expect(openingError(scratch.path, options: options)?.code == .noImages)
    }

    @Test(arguments: ["\n", "\r\n", "\r"]) func `lists of classes may have any line ends`(
        ending: String
    ) throws {
        let lines = ["a", "b c", "\u{E9}", "", ""].joined(separator: ending)
        try scratch.write("\u{FEFF}" + lines, "names.txt")
        #expect(try Files.lines(scratch("names.txt"), what: "names") == ["a", "b c", "\u{E9}"])
    }

    @Test func `a list of classes with one name in two forms, or too long, is refused`() throws {
        func message(_ text: String) throws -> String? {
            try scratch.write(text, "names.txt")
            do throws(DataError) {
                _ = try Files.lines(scratch("names.txt"), what: "names")
                return nil
            } catch { return error.message }
        }
        #expect(try message("\(composed)\n\(decomposed)\n")?.contains("Unicode form") == true)
        #expect(
            try message(String(repeating: "\u{301}", count: 100_000))?.contains("200000") == true)
    }
}
