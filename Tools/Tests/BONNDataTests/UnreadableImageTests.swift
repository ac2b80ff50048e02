import BONNImage
import BONNModelFormat
import Foundation
import Testing

@testable import BONNData

/// Images that cannot be read among those that can.
@Suite struct UnreadableImageTests {
    private let scratch: ScratchFolder
    private var tolerant = DatasetOptions()

    init() throws {
        scratch = try ScratchFolder()
        tolerant.toleratesBrokenImages = true
        for index in 0..<3 {
            try scratch.write(randomImage(6, 5, seed: UInt64(index)), "train/dog/\(index).png")
        }
        try scratch.write(randomImage(6, 5, seed: 9), "test/dog/1.png")
    }

    @Test(
        arguments: ["0.png", "1.png", "empty.png", "zzz.png"], [[], [0x89], Array("GIF89a".utf8)])
    func `an unreadable image has no size, and so does not differ`(
        file: String, bytes: [UInt8]
    ) throws {
        try scratch.write(bytes, "train/dog/\(file)")
        let error = try #require(openingError(scratch.path))
        #expect(error.code == .brokenImage)
        #expect(error.message.hasPrefix("\(scratch.path)/train/dog/\(file): "), "\(error)")
        let train = try DatasetSplits.open(scratch.path, options: tolerant).train
        #expect(train.imageSize.map { [$0.width, $0.height] } == [6, 5])
        #expect(train.count == (file.count == 5 ? 3 : 4))
    }

    @Test func `images of differing sizes differ, readable or not beside them`() throws {
        try scratch.write([], "train/dog/0.png")
        try scratch.write(randomImage(7, 5, seed: 3), "train/dog/2.png")
        #expect(openingError(scratch.path)?.message.contains("/train/dog/0.png") == true)
        #expect(try DatasetSplits.open(scratch.path, options: tolerant).train.imageSize == nil)
    }

    @Test func `where none can be read, the first is named`() throws {
        try scratch.write([], "test/dog/1.png")
        #expect(
            openingError(scratch.path, options: tolerant)
                == DataError(
                    .noImages,
                    "none of the 1 image files can be read, the first is "
                        + "\(scratch.path)/test/dog/1.png: the file is empty"))
    }

    @Test func `a file that is replaced after the listing is read as what it is then`() throws {
        let train = try DatasetSplits.open(scratch.path).train
        try FileManager.default.removeItem(atPath: scratch("train/dog/0.png"))
        let gone = #expect(throws: DataError.self) { try train.image(at: 0) }
        #expect(gone?.code == .brokenImage && gone?.message.contains("No such file") == true)
        #expect(mkfifo(scratch("train/dog/0.png"), 0o666) == 0)
        let pipe = #expect(throws: DataError.self) { try train.image(at: 0) }
        #expect(pipe?.message.hasSuffix("is not a plain file") == true)
        #expect(try train.image(at: 1) == randomImage(6, 5, seed: 1))
    }

    @Test func `what is opened is asked what it is, for files of records too`() throws {
        try DatasetConvert(try DatasetSplits.open("synthetic:50"), to: .cifar10)
            .run(into: scratch("set"))
        let path = scratch("set/data_batch_3.bin")
        try FileManager.default.removeItem(atPath: path)
        #expect(openingError(scratch("set"))?.code == .notFound)
        #expect(mkfifo(path, 0o666) == 0)
        #expect(
            openingError(scratch("set"))?.message.hasPrefix("\(path): is not a plain file") == true)
        try FileManager.default.removeItem(atPath: path)
        try scratch.makeFolder("set/data_batch_3.bin")
        #expect(openingError(scratch("set"))?.message.hasPrefix("\(path): is a folder") == true)
    }
}
