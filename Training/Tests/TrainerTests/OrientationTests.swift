import BONNData
import BONNImage
import BONNModelFormat
import Foundation
import Testing

@testable import BONNTrainer

/// Photographs that were taken with the camera turned.
@Suite(.serialized) struct OrientationTests {
    private let folder = TemporaryFolder()

    /// A folder of drawn images, in which the first training image says that it was held another way.
    private func drawn(turned orientation: UInt8) throws -> (path: String, file: String) {
        let path = folder.path + "/drawn"
        let ending = try Tool.run(
            "data", "convert", "synthetic:40", "--to", "images", "--output", path)
        try #require(ending.status == 0, "\(ending.errors)")
        let options = DatasetOptions()
        let file = try DatasetSplits.open(path, options: options).train.identifier(at: 0)
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        // A big-endian TIFF header, and one entry: orientation, one 16-bit number.
        let exif: [UInt8] =
            [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation]
            + [0, 0, 0, 0, 0, 0]
        // Behind the signature of 8 bytes and the header of 25.
        bytes.insert(contentsOf: Self.chunk("eXIf", exif), at: 33)
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return (path, file)
    }

    /// A chunk of a PNG file.
    private static func chunk(_ type: String, _ contents: [UInt8]) -> [UInt8] {
        func bigEndian(_ number: UInt32) -> [UInt8] {
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
        }
        let checked = Array(type.utf8) + contents
        var crc = UInt32.max
        for byte in checked {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return bigEndian(UInt32(contents.count)) + checked + bigEndian(~crc)
    }

    @Test func `images are turned as EXIF says, unless the recipe says otherwise`() throws {
        let drawn = try drawn(turned: 6)
        func first(_ turns: Bool) throws -> PixelBuffer {
            var configuration = TrainingConfiguration()
            configuration.data.exifOrientation = turns
            let splits = try DatasetSplits.open(
                drawn.path, options: configuration.datasetOptions)
            return try splits.train.image(at: 0)
        }
        let stored = try first(false)
        let turned = try first(true)
        #expect(turned == stored.turned(.right) && turned != stored)
    }

    @Test(arguments: [true, false])
    func `a model says which way up it reads images`(turns: Bool) throws {
        let drawn = try drawn(turned: 3)
        let run = folder.path + "/run"
        let trained = try Tool.run(
            "train", "--data", drawn.path, "--widths", "2-2-2-4", "--epochs", "1", "--batch-size",
            "20", "--threads", "1", "--set", "data.exif_orientation=\(turns)", "--output", run)
        try #require(trained.status == 0, "\(trained.errors)")
        let checkpoint = try Checkpoint(path: run + "/last.safetensors")
        #expect(checkpoint.configuration.data.exifOrientation == turns)
        let exported = try Tool.run(
            "export", run + "/last.safetensors", "--data", drawn.path, "-o", run + "/x.bonn")
        try #require(exported.status == 0, "\(exported.errors)")
        let file = try ModelFile(
            bytes: Array(Data(contentsOf: URL(fileURLWithPath: run + "/x.bonn"))))
        #expect(file.metadata.preprocessing?.orientation == (turns ? .exif : .stored))
    }

    @Test func `an image that takes more memory than decoding may is refused by name`() throws {
        let drawn = try drawn(turned: 1)
        let refused = try Tool.run(
            "train", "--data", drawn.path, "--widths", "2-2-2-4", "--epochs", "1", "--set",
            "data.decoding_limit=0.002", "--set", "augmentation.image_size=32", "--output",
            folder.path + "/run")
        #expect(refused.status == 1 && refused.errors.contains(drawn.file), "\(refused.errors)")
        #expect(refused.errors.split(separator: "\n").count == 1)
    }
}
