import BONNData
import BONNImage
import BONNModelFormat
import Testing

@testable import BONNTrainer

@Suite struct AugmentationTests {
    private func transform(
        seed: Int = 3, epoch: Int = 0,
        _ change: (inout AugmentationConfiguration) -> Void = { _ in }
    ) -> TrainingTransform {
        var augmentation = AugmentationConfiguration()
        change(&augmentation)
        return TrainingTransform(
            augmentation: augmentation,
            preprocessing: Preprocessing(
                width: 8, height: 8, resize: .shorterSide(8), channels: .rgb, mean: [0, 0, 0],
                std: [1, 1, 1]), seed: seed, epoch: epoch)
    }

    private func numbers(
        _ transform: TrainingTransform, _ image: PixelBuffer, index: Int
    ) throws -> [Float] {
        var values = [Float](repeating: 0, count: 192)
        try values.withUnsafeMutableBufferPointer {
            try transform.write(image, index: index, into: $0)
        }
        return values
    }

    @Test func `the result depends on seed, epoch and index and on nothing else`() throws {
        let image = try CountingDataset(count: 1).image(at: 0)
        for crop in [AugmentationConfiguration.Crop.pad, .resized] {
            func run(_ seed: Int, _ epoch: Int, _ index: Int) throws -> [Float] {
                try numbers(
                    transform(seed: seed, epoch: epoch) { $0.crop = crop }, image, index: index)
            }
            let cases = (0..<8).map { ($0 & 1, $0 >> 1 & 1, $0 >> 2 & 1) }
            let first = try cases.map { try run($0.0, $0.1, $0.2) }
            let again = try cases.reversed().map { try run($0.0, $0.1, $0.2) }
            #expect(first == again.reversed())
            #expect(Set(first).count >= 6, "\(crop): nearly all of the eight differ")
        }
    }

    @Test func `a padded crop is a window of the padded image, every place equally likely`() throws
    {
        let image = try CountingDataset(count: 1).image(at: 0)
        for mode in AugmentationConfiguration.PaddingMode.allCases {
            let transform = transform {
                $0.padding = 1
                $0.paddingMode = mode
                $0.flip = false
            }
            let padded = image.padded(by: 1, mode: mode == .zero ? .zero : .reflect)
            let windows = try (0..<9).map { place in
                try padded.cropped(x: place % 3, y: place / 3, width: 8, height: 8)
            }
            var counts = [Int](repeating: 0, count: 9)
            for seed in 0..<900 {
                var random = SeededGenerator(seed: UInt64(seed))
                let found = try transform.augmented(image, with: &random)
                let place = try #require(windows.firstIndex(of: found))
                counts[place] += 1
            }
            // 100 expected each, standard deviation 9.4.
            #expect(counts.allSatisfy { (60...140).contains($0) }, "\(counts)")
        }
    }

    @Test func `half of the images are mirrored`() throws {
        let image = try CountingDataset(count: 1).image(at: 0)
        let transform = transform { $0.crop = .none }
        var mirrored = 0
        for seed in 0..<400 {
            var random = SeededGenerator(seed: UInt64(seed))
            let found = try transform.augmented(image, with: &random)
            #expect(found == image || found == image.flippedHorizontally())
            if found != image { mirrored += 1 }
        }
        #expect((160...240).contains(mirrored), "\(mirrored) of 400, standard deviation 10")
    }

    @Test func `random parts stay inside, and their area and shape inside the limits`() {
        let transform = transform { $0.crop = .resized }
        for (width, height) in [(8, 8), (40, 30), (500, 20), (3, 300), (1, 1)] {
            let image = PixelBuffer(
                width: width, height: height, channels: 1,
                pixels: [UInt8](repeating: 0, count: width * height))
            for seed in 0..<300 {
                var random = SeededGenerator(seed: UInt64(seed))
                let box = transform.randomBox(in: image, with: &random)
                #expect(box.x >= 0 && box.y >= 0 && box.width > 0 && box.height > 0)
                #expect(box.x + box.width <= width && box.y + box.height <= height)
                guard width == 40 else { continue }
                let area = Double(box.width * box.height) / Double(width * height)
                let ratio = Double(box.width) / Double(box.height)
                #expect(area > 0.05 && area <= 1 && ratio > 0.6 && ratio < 1.6, "\(box)")
            }
        }
    }
}
