import BONNImage
import BONNModelFormat
import BONNTestSupport
import Testing

@Suite struct PreprocessingTests {
    private let imageNet = Preprocessing(
        width: 24, height: 20, resize: .shorterSide(26), channels: .rgb,
        mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])

    /// The rule of the documentation, one pixel at a time.
    private func plainLoop(_ rule: Preprocessing, _ image: PixelBuffer) -> [Float] {
        var result: [Float] = []
        for channel in 0..<image.channels {
            let factor: Float = 1 / (255 * rule.std[channel])
            let offset: Float = -rule.mean[channel] / rule.std[channel]
            for i in 0..<image.width * image.height {
                let product: Float = Float(image.pixels[i * image.channels + channel]) * factor
                result.append(product + offset)
            }
        }
        return result
    }

    @Test func `the input equals a plain loop over the sized image, bit for bit`() throws {
        let image = seededImage(11, width: 61, height: 47, channels: 3)
        let input = try imageNet.input(image)
        let expected = plainLoop(imageNet, try imageNet.apply(image))
        #expect(input.count == 3 * 24 * 20)
        #expect(input.map(\.bitPattern) == expected.map(\.bitPattern))
        // And that is (pixel / 255 - mean) / std.
        let sized = try imageNet.apply(image)
        let exact = (Double(sized.pixels[4]) / 255 - 0.456) / 0.224
        #expect(abs(Double(input[24 * 20 + 1]) - exact) < 1e-6)
    }

    @Test func `normalise writes into the caller's memory what input returns`() throws {
        let image = try imageNet.apply(seededImage(12, width: 40, height: 30, channels: 3))
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: image.pixels.count)
        defer { memory.deallocate() }
        try imageNet.normalise(image, into: memory)
        #expect(Array(memory) == plainLoop(imageNet, image))
        let short = UnsafeMutableBufferPointer(rebasing: memory.dropLast())
        #expect(throws: ImageError.self) { try imageNet.normalise(image, into: short) }
        #expect(throws: ImageError.self) { try imageNet.normalise(image.gray(), into: memory) }
    }

    @Test(arguments: [1, 3])
    func `interleaved numbers are those of the planes, pixel by pixel`(channels: Int) throws {
        var rule = imageNet
        if channels == 1 { (rule.channels, rule.mean, rule.std) = (.gray, [0.3], [0.7]) }
        let image = try rule.apply(seededImage(21, width: 40, height: 30, channels: channels))
        let count = image.pixels.count
        let numbers = try [Float](unsafeUninitializedCapacity: count) { buffer, written in
            try rule.normalise(
                image, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]),
                as: .interleaved)
            written = count
        }
        let planes = plainLoop(rule, image)
        let area = image.width * image.height
        let expected = (0..<count).map { planes[$0 % channels * area + $0 / channels] }
        #expect(numbers.map(\.bitPattern) == expected.map(\.bitPattern))
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `computing only the crop equals resizing and then cropping`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let image = seededImage(
            seed, width: Int.random(in: 1...60, using: &random),
            height: Int.random(in: 1...60, using: &random), channels: 3)
        var rule = imageNet
        rule.width = Int.random(in: 1...20, using: &random)
        rule.height = Int.random(in: 1...20, using: &random)
        let side = Int.random(in: 20...30, using: &random)
        rule.resize = .shorterSide(side)
        let isUpright = image.width <= image.height
        let fullWidth = isUpright ? side : side * image.width / image.height
        let fullHeight = isUpright ? side * image.height / image.width : side
        // Python's round: halves to even.
        func offset(_ left: Int) -> Int { left % 4 == 3 ? left / 2 + 1 : left / 2 }
        let expected = try image.resized(width: fullWidth, height: fullHeight).cropped(
            x: offset(fullWidth - rule.width), y: offset(fullHeight - rule.height),
            width: rule.width,
            height: rule.height)
        #expect(try rule.apply(image) == expected, "seed \(seed)")
    }

    @Test func `stretching ignores the aspect ratio`() throws {
        let image = seededImage(13, width: 31, height: 9, channels: 3)
        var rule = imageNet
        rule.resize = .stretch
        #expect(try rule.apply(image) == image.resized(width: 24, height: 20))
    }

    @Test func `channels are converted after resizing`() throws {
        let colour = seededImage(14, width: 30, height: 25, channels: 3)
        let gray = seededImage(15, width: 30, height: 25, channels: 1)
        var rule = Preprocessing(
            width: 12, height: 10, resize: .stretch, channels: .gray, mean: [0.5], std: [0.25])
        #expect(try rule.apply(colour) == colour.resized(width: 12, height: 10).gray())
        #expect(try rule.input(colour).count == 120)
        rule.channels = .rgb
        rule.mean = [0, 0, 0]
        rule.std = [1, 1, 1]
        #expect(try rule.apply(gray) == gray.resized(width: 12, height: 10).rgb())
    }

    @Test func `without resizing the size must be the input's`() throws {
        var rule = imageNet
        rule.resize = .none
        let image = seededImage(16, width: 24, height: 20, channels: 3)
        #expect(try rule.apply(image) == image)
        let error = #expect(throws: ImageError.self) {
            try rule.apply(seededImage(17, width: 20, height: 24, channels: 3))
        }
        #expect(error?.code == .sizeMismatch)
        #expect(error?.message == "an image of 24x20 is needed, this one has 20x24")
    }

    @Test func `a crop larger than the resized image is refused`() {
        var rule = imageNet
        rule.resize = .shorterSide(19)
        let error = #expect(throws: ImageError.self) {
            try rule.apply(seededImage(18, width: 90, height: 60, channels: 3))
        }
        #expect(error?.code == .sizeMismatch)
        #expect(
            error?.message
                == "a crop of 24x20 does not fit into an image of 90x60 resized to 28x19")
    }

    @Test func `an extreme aspect ratio costs only the crop`() throws {
        let image = PixelBuffer(
            width: 60_000, height: 1, channels: 1, pixels: Array(repeating: 9, count: 60_000))
        let sized = try imageNet.apply(image)
        #expect(sized.width == 24 && sized.height == 20)
        #expect(sized.pixels.allSatisfy { $0 == 9 })
    }

    @Test func `a rule that contradicts itself is refused with the field named`() {
        func message(_ change: (inout Preprocessing) -> Void) -> String? {
            var rule = imageNet
            change(&rule)
            let image = seededImage(19, width: 30, height: 30, channels: 3)
            let error = #expect(throws: ImageError.self) { try rule.input(image) }
            #expect(error?.code == .invalidPreprocessing)
            return error?.message
        }
        #expect(message { $0.mean = [0] } == "preprocessing: 1 values of mean for 3 channels")
        #expect(message { $0.channels = .gray }?.contains("mean") == true)
        #expect(message { $0.std[1] = 0 }?.contains("std is not positive") == true)
        #expect(message { $0.std[2] = -1 }?.contains("std is not positive") == true)
        #expect(message { $0.mean[0] = .nan }?.contains("mean is not finite") == true)
        #expect(message { $0.width = 0 }?.contains("input of 0x20") == true)
        #expect(message { $0.height = 1 << 40 }?.contains("65535") == true)
        #expect(message { $0.resize = .shorterSide(0) }?.contains("shorter side") == true)
    }
}
