import BONNConfiguration
import BONNData
import BONNImage
import BONNMethods
import BONNModelFormat
import Foundation
import Testing

@testable import BONNTrainer

/// What images of one size, or of several, become in networks of any size.
@Suite struct InputSizeTests {
    /// Images of sizes that take turns.
    struct SizedDataset: ImageDataset {
        var sizes: [ImageSize]
        var count: Int { 12 }
        var name: String { "sized" }
        var classNames: [Name] { ["a", "b"] }
        var channels: Int { 3 }
        var imageSize: (width: Int, height: Int)? {
            sizes.count == 1 ? (sizes[0].width, sizes[0].height) : nil
        }

        func label(at index: Int) -> Int { index % 2 }
        func identifier(at index: Int) -> String { "sized/\(index)" }
        func image(at index: Int) throws(DataError) -> PixelBuffer {
            let size = sizes[index % sizes.count]
            var random = SeededGenerator(seed: 5, stream: UInt64(index))
            let pixels = (0..<size.height * size.width * 3).map { _ in
                UInt8(random.integer(below: 256))
            }
            return PixelBuffer(
                width: size.width, height: size.height, channels: 3, pixels: pixels)
        }
    }

    private func resolved(
        _ images: [ImageSize], _ input: ImageSize = 0, resizeTo: Int = 0,
        _ resize: AugmentationConfiguration.Resize = .auto
    ) throws -> AugmentationConfiguration {
        var configuration = TrainingConfiguration()
        configuration.augmentation.imageSize = input
        configuration.augmentation.resizeTo = resizeTo
        configuration.augmentation.resize = resize
        let dataset = SizedDataset(sizes: images)
        let splits = DatasetSplits(kind: .imageFolder, train: dataset, test: dataset)
        let resolved = try configuration.resolved(for: splits)
        // What was resolved stays as it is, as when a run is resumed.
        #expect(try resolved.resolved(for: splits) == resolved)
        for index in 0..<dataset.count {
            _ = try resolved.preprocessing.input(dataset.image(at: index))
        }
        return resolved.augmentation
    }

    @Test func `images of one size are the input, whole, square or not`() throws {
        for size in [ImageSize(20), ImageSize(height: 13, width: 30)] {
            let found = try resolved([size])
            #expect(found.imageSize == size && found.resize == .crop)
            #expect(found.resizeTo == size.shorterSide)
        }
    }

    @Test func `a crop takes 0.875 of images of another size`() throws {
        #expect(try resolved([20], 14).resizeTo == 16)
        #expect(try resolved([20, 30], 14).resizeTo == 16)
        // 16 x 32 of which 14 x 28 are seen.
        let wide = try resolved(
            [ImageSize(height: 100, width: 200)], ImageSize(height: 14, width: 28))
        #expect(wide.resizeTo == 16 && wide.resize == .crop)
        // 48 x 32: the height of 42 decides.
        let tall = try resolved(
            [ImageSize(height: 90, width: 60)], ImageSize(height: 42, width: 14))
        #expect(tall.resizeTo == 32)
        let turned = try resolved(
            [ImageSize(height: 60, width: 90)], ImageSize(height: 42, width: 14))
        #expect(turned.resizeTo == 48)
    }

    @Test func `images of several sizes are stretched to an input that is not square`() throws {
        let sizes: [ImageSize] = [20, ImageSize(height: 40, width: 10)]
        let input = ImageSize(height: 8, width: 24)
        #expect(try resolved(sizes, input).resize == .stretch)
        #expect(try resolved(sizes, 8).resize == .crop)
        #expect(try resolved(sizes, input, resizeTo: 30).resize == .crop)
        #expect(try resolved(sizes, input, .crop).resizeTo == 27)
        #expect(try resolved([20], 8, .stretch).resize == .stretch)
        let found = message { _ = try resolved(sizes) }
        #expect(
            found?.hasPrefix("augmentation.image_size must be given: the images of sized") == true)
    }

    @Test(arguments: [
        (4, 11, false, true), (4, 11, true, false), (4, 6, false, false), (4, 1, false, true),
        (4, 1, true, true), (5, 11, false, false), (4, 12, false, false),
    ])
    func `a batch of one image is refused where one pixel of it is left`(
        side: Int, batchSize: Int, dropLast: Bool, isRefused: Bool
    ) throws {
        // Twelve images, of which WRN-22 makes a quarter of the side, rounded up.
        let dataset = SizedDataset(sizes: [ImageSize(side)])
        let splits = DatasetSplits(kind: .imageFolder, train: dataset, test: dataset)
        let configuration = smallConfiguration {
            ($0.data.batchSize, $0.data.dropLast) = (batchSize, dropLast)
            $0.schedule.epochs = 1
        }
        let folder = TemporaryFolder()
        let found = message { try train(configuration, in: folder.path, splits: splits) }
        #expect((found != nil) == isRefused, "\(found ?? "trained")")
        #expect(found?.contains("a batch of an epoch has one image") != false)
    }

    @Test(arguments: [AugmentationConfiguration.Crop.none, .pad, .resized])
    func `every augmentation gives the input's size`(
        crop: AugmentationConfiguration.Crop
    ) throws {
        var augmentation = try resolved(
            [20, ImageSize(height: 40, width: 10)], ImageSize(height: 9, width: 24))
        augmentation.crop = crop
        let preprocessing = Preprocessing(
            width: 24, height: 9, resize: .stretch, channels: .rgb, mean: [0, 0, 0], std: [1, 1, 1])
        let transform = TrainingTransform(
            augmentation: augmentation, preprocessing: preprocessing, seed: 1, epoch: 0)
        var random = SeededGenerator(seed: 3, stream: 0)
        let dataset = SizedDataset(sizes: [20, ImageSize(height: 40, width: 10)])
        for index in 0..<dataset.count {
            let image = try transform.augmented(dataset.image(at: index), with: &random)
            #expect(image.width == 24 && image.height == 9)
        }
    }

    @Test func `a run at a size that is neither square nor even is exported and verified in bits`()
        throws
    {
        let folder = TemporaryFolder()
        let trained = try Tool.run(
            "train", "--data", "synthetic:40", "--widths", "2-2-4-6", "--epochs", "1",
            "--batch-size", "20", "--threads", "1", "--set", "augmentation.image_size=13x22",
            "--output", folder.path + "/run")
        try #require(trained.status == 0, "\(trained.errors)")
        let checkpoint = folder.path + "/run/last.safetensors"
        let exported = try Tool.run(
            "export", checkpoint, "--data", "synthetic:40", "-o", folder.path + "/x.bonn", "--json")
        try #require(exported.status == 0, "\(exported.errors)")
        #expect(exported.output.contains("\"max_abs_difference\" : 0"))
        let file = try ModelFile(
            bytes: Array(Data(contentsOf: URL(fileURLWithPath: folder.path + "/x.bonn"))))
        #expect(file.metadata.graph.input.shape == Shape(3, 13, 22))
        let verified = try Tool.run(
            "verify", checkpoint, folder.path + "/x.bonn", "--data", "synthetic:40", "--json")
        #expect(verified.status == 0 && verified.output.contains("\"max_abs_difference\" : 0"))
        let summary = try Tool.run("summary", checkpoint, "--json")
        #expect(summary.status == 0, "\(summary.errors)")
        let wrong = try Tool.run("summary", "--image-size", "32x0")
        #expect(
            wrong.status == 64 && wrong.errors.contains("expected one number of pixels or HEIGHTx"))
    }
}
