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

    private func images(_ paths: String...) throws {
        for (index, path) in paths.enumerated() {
            try scratch.write(randomImage(6, 5, seed: UInt64(index)), path)
        }
    }

    /// Makes an entry whose name is these bytes.
    private func make(_ parent: String, _ bytes: [UInt8], _ make: (UnsafePointer<CChar>) -> CInt) {
        let path = Array(scratch(parent).utf8) + [UInt8(ascii: "/")] + bytes + [0]
        path.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) {
                if let start = $0.baseAddress { #expect(make(start) == 0) }
            }
        }
    }

    private func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: scratch(path), withDestinationPath: target)
    }

    // MARK: Unicode

    @Test(arguments: [false, true])
    func `a test class in another Unicode form is an error that shows both`(isTest: Bool) throws {
        let (first, second) = isTest ? (composed, decomposed) : (decomposed, composed)
        try images("train/\(first)/1.png", "train/dog/1.png", "test/\(second)/1.png")
        let error = try #require(openingError(scratch.path))
        #expect(error.code == .badClasses)
        #expect(error.message.hasPrefix("\(scratch.path)/test does not fit"), "\(error)")
        for part in ["bytes 63 61 66 c3 a9", "bytes 63 61 66 65 cc 81", "Unicode form alone"] {
            #expect(error.message.contains(part), "\(error)")
        }
    }

    @Test func `two forms of one class in one part are an error and no trap`() throws {
        try images(
            "train/\(decomposed)/1.png", "train/\(composed)/1.png", "test/\(composed)/1.png")
        let error = try #require(openingError(scratch.path))
        #expect(
            error.message
                == "\(scratch.path)/train: the classes '\(decomposed)' (bytes 63 61 66 65 cc 81) and "
                + "'\(composed)' (bytes 63 61 66 c3 a9) look alike and differ in their Unicode form "
                + "alone; make them one class")
    }

    @Test func `classes sort and count by their bytes`() throws {
        // Canonically, U+212B sorts as U+00C5 and the two are one.
        for name in ["\u{212B}", "z", "A\u{30B}"] {
            try images("train/\(name)/1.png", "test/\(name)/1.png")
        }
        let splits = try DatasetSplits.open(scratch.path)
        #expect(splits.train.classNames == ["A\u{30B}", "z", "\u{212B}"])
        #expect((0..<3).map(splits.test.label) == [0, 1, 2])
    }

    @Test func `files that differ in their Unicode form alone are two files`() throws {
        try images(
            "train/dog/\(composed).png", "train/dog/\(decomposed).png", "train/cat/1.png",
            "test/dog/1.png", "test/cat/1.png")
        let train = try DatasetSplits.open(scratch.path).train
        #expect(train.count == 3)
        #expect(try train.image(at: 1) == randomImage(6, 5, seed: 1))
        #expect(try train.image(at: 2) == randomImage(6, 5, seed: 0))
    }

    // MARK: What cannot be looked up

    @Test(arguments: ["train", "test", "val"])
    func `a class name that is not UTF-8 is an error that names it`(part: String) throws {
        try images("train/dog/1.png", "val/dog/1.png", "test/dog/1.png")
        make(part, Array("caf".utf8) + [0o351]) { mkdir($0, 0o777) }
        let error = try #require(openingError(scratch.path))
        #expect(error.code == .badName)
        #expect(
            error.message
                == "\(scratch.path)/\(part): an entry has the name 'caf\\351', whose bytes are not "
                + "UTF-8; rename it")
    }

    @Test func `a part whose name is not UTF-8, and an image, are errors too`() throws {
        try images("train/dog/1.png", "test/dog/1.png")
        make("train/dog", [0x1B, 0xFF] + Array(".png".utf8)) { mkfifo($0, 0o666) }
        #expect(openingError(scratch.path)?.message.contains("'\\033\\377.png'") == true)
        try FileManager.default.removeItem(atPath: scratch("train"))
        try images("train/dog/1.png")
        make("", Array("val".utf8) + [0xFF]) { mkdir($0, 0o777) }
        #expect(openingError(scratch.path)?.message.contains("'val\\377'") == true)
    }

    @Test func `in a folder of CIFAR files other names are nobody's business`() throws {
        make("", [0xFF]) { mkdir($0, 0o777) }
        try link("latest", to: "nowhere")
        try scratch.write("x", "data_batch_1.bin")
        #expect(openingError(scratch.path)?.message.contains("batches.meta.txt") == true)
    }

    @Test(arguments: ["nowhere", "cat", "cat/cat"])
    func `a link that leads nowhere is an error as a class and as a part`(target: String) throws {
        try images("train/dog/1.png", "test/dog/1.png")
        for place in ["train/cat", "val"] {
            try link(
                place, to: target == "nowhere" ? target : place.hasSuffix("cat") ? "cat" : "val")
            let error = try #require(openingError(scratch.path))
            #expect(error.code == .unreadable)
            #expect(
                error.message.hasPrefix("\(scratch.path)/\(place): is a link that leads nowhere"),
                "\(error)")
            try FileManager.default.removeItem(atPath: scratch(place))
        }
    }

    @Test func `links to folders and files are followed, and a circle of them ends`() throws {
        try images("elsewhere/1.png", "set/train/dog/1.png", "set/test/dog/1.png")
        for part in ["train", "test"] {
            try link("set/\(part)/cat", to: "../../elsewhere")
            try link("set/\(part)/dog/up", to: "../..")
        }
        let splits = try DatasetSplits.open(scratch("set"))
        #expect(splits.train.classNames == ["cat", "dog"] && splits.train.count == 2)
        #expect(splits.train.leftOut.nestedFolders == 1)
        try link("set/train/self", to: ".")
        #expect(
            openingError(scratch("set"))?.message.hasPrefix(
                "\(scratch.path)/set/train/self: holds no file with the ending of an image") == true
        )
    }

    @Test func `a link to nothing as an image is an error, or broken where those are tolerated`()
        throws
    {
        try images("train/dog/1.png", "test/dog/1.png")
        try link("train/dog/2.png", to: "nowhere")
        #expect(openingError(scratch.path)?.message.contains("/train/dog/2.png") == true)
        var options = DatasetOptions()
        options.toleratesBrokenImages = true
        #expect(try DatasetSplits.open(scratch.path, options: options).train.count == 2)
        options.skipsBrokenImages = true
        let train = try DatasetSplits.open(scratch.path, options: options).train
        #expect(train.count == 1)
        #expect(train.leftOut.brokenFiles == [scratch("train/dog/2.png")])
    }

    @Test func `a pipe is no class, and as an image it is broken and never waited for`() throws {
        try images("train/dog/1.png", "test/dog/1.png")
        #expect(mkfifo(scratch("train/pipe"), 0o666) == 0)
        #expect(try DatasetSplits.open(scratch.path).train.leftOut.otherFiles == 1)
        #expect(mkfifo(scratch("train/dog/pipe.png"), 0o666) == 0)
        #expect(
            openingError(scratch.path)?.message
                == "\(scratch.path)/train/dog/pipe.png: is not a plain file")
    }

    // MARK: What is left out, and how it is shown

    @Test func `what is neither class nor image is counted in one line`() throws {
        try images(
            "train/dog/1.png", "train/dog/more/2.png", "train/cat/1.png", "train/cat/a.png/x.png",
            "test/cat/1.png")
        try scratch.write("x", "train/notes.txt")
        try scratch.write("x", "train/cat/notes.txt")
        try scratch.write("x", "train/cat/.hidden")
        let splits = try DatasetSplits.open(scratch.path)
        #expect(splits.train.count == 2)
        #expect(
            splits.notes == [
                "\(scratch.path)/train: left out: 2 other files, 2 nested folders",
                "\(scratch.path)/test has 1 of the 2 classes of \(scratch.path)/train, without dog",
            ])
    }

    @Test func `names that a terminal would obey are shown as text`() throws {
        try images("train/dog/1.png", "test/\u{1B}[31mred\nforged/1.png")
        let message = try #require(openingError(scratch.path)).message
        #expect(message.contains("\\u{1b}[31mred\\u{a}forged"), "\(message)")
        #expect(message.unicodeScalars.allSatisfy { $0.value >= 0x20 })
    }

    @Test func `ten thousand classes are opened`() throws {
        let image = try encoded(randomImage(2, 2, seed: 1))
        for part in ["train", "test"] {
            for index in 0..<10_000 { try scratch.write(image, "\(part)/class \(index)/1.png") }
        }
        let splits = try DatasetSplits.open(scratch.path)
        #expect(splits.train.classNames.count == 10_000 && splits.test.count == 10_000)
        #expect((0..<10_000).allSatisfy { splits.test.label(at: $0) == $0 })
    }

    private func encoded(_ image: PixelBuffer) throws -> [UInt8] {
        try scratch.write(image, "one.png")
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: scratch("one.png"))))
    }
}
