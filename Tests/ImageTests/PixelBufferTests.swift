import BONNImage
import BONNTestSupport
import Testing

/// An image drawn from a seed, one generator step per byte, as Golden/record.py draws it.
func seededImage(_ seed: UInt64, width: Int, height: Int, channels: Int) -> PixelBuffer {
    var generator = SeededGenerator(seed: seed)
    let pixels = (0..<width * height * channels).map { _ in UInt8(generator.next() >> 56) }
    return PixelBuffer(width: width, height: height, channels: channels, pixels: pixels)
}

@Suite struct PixelBufferTests {
    @Test func `a crop holds exactly its rectangle`() throws {
        let image = seededImage(1, width: 7, height: 5, channels: 3)
        let crop = try image.cropped(x: 2, y: 1, width: 4, height: 3)
        for y in 0..<3 {
            for x in 0..<4 {
                for c in 0..<3 {
                    #expect(
                        crop.pixels[(y * 4 + x) * 3 + c]
                            == image.pixels[((y + 1) * 7 + x + 2) * 3 + c])
                }
            }
        }
        #expect(try image.cropped(x: 0, y: 0, width: 7, height: 5) == image)
    }

    @Test(arguments: [
        (-1, 0, 2, 2), (0, -1, 2, 2), (6, 0, 2, 2), (0, 4, 2, 2), (0, 0, 8, 1), (0, 0, 0, 1),
        (Int.max, 0, 1, 1), (1, 1, Int.max, 1),
    ])
    func `a crop outside the image is refused`(_ box: (Int, Int, Int, Int)) {
        let image = seededImage(2, width: 7, height: 5, channels: 1)
        let error = #expect(throws: ImageError.self) {
            try image.cropped(x: box.0, y: box.1, width: box.2, height: box.3)
        }
        #expect(error?.code == .outsideImage)
    }

    @Test func `padding with zeros frames the image in black`() throws {
        let image = seededImage(3, width: 4, height: 3, channels: 3)
        let padded = image.padded(by: 2, mode: .zero)
        #expect(padded.width == 8 && padded.height == 7)
        #expect(try padded.cropped(x: 2, y: 2, width: 4, height: 3) == image)
        let sum = { (image: PixelBuffer) in image.pixels.reduce(0) { $0 + Int($1) } }
        #expect(sum(padded) == sum(image))
    }

    @Test func `reflection mirrors at the outermost pixels without repeating them`() {
        let row = PixelBuffer(width: 4, height: 1, channels: 1, pixels: [1, 2, 3, 4])
        let padded = row.padded(by: 3, mode: .reflect)
        #expect(padded.height == 7)
        #expect(Array(padded.pixels[0..<10]) == [4, 3, 2, 1, 2, 3, 4, 3, 2, 1])
        let narrow = PixelBuffer(width: 2, height: 2, channels: 1, pixels: [1, 2, 3, 4])
        // numpy.pad([[1, 2], [3, 4]], 3, mode="reflect")[0] and [3]
        let wide = narrow.padded(by: 3, mode: .reflect)
        #expect(Array(wide.pixels[0..<8]) == [4, 3, 4, 3, 4, 3, 4, 3])
        #expect(Array(wide.pixels[24..<32]) == [2, 1, 2, 1, 2, 1, 2, 1])
    }

    @Test(arguments: [1, 3]) func `a flip swaps left and right`(channels: Int) {
        let image = seededImage(4, width: 5, height: 3, channels: channels)
        let flipped = image.flippedHorizontally()
        for y in 0..<3 {
            for x in 0..<5 {
                for c in 0..<channels {
                    #expect(
                        flipped.pixels[(y * 5 + x) * channels + c]
                            == image.pixels[(y * 5 + 4 - x) * channels + c])
                }
            }
        }
        #expect(flipped.flippedHorizontally() == image)
    }

    @Test func `gray becomes three equal channels and back`() {
        let gray = seededImage(5, width: 16, height: 16, channels: 1)
        let colour = gray.rgb()
        #expect(colour.channels == 3)
        #expect(colour.gray() == gray)
    }
}
