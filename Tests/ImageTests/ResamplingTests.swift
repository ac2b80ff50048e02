import BONNImage
import BONNTestSupport
import Testing

/// The triangle filter in double precision with one rounding at the end: what resampling computes
/// apart from fixed point.
private func exactResize(
    _ image: PixelBuffer, box: (x: Double, y: Double, width: Double, height: Double), width: Int,
    height: Int
) -> [Double] {
    func weights(_ source: Int, _ from: Double, _ length: Double, _ output: Int) -> [[Double]] {
        let scale = length / Double(output)
        let support = max(scale, 1)
        return (0..<output).map { x in
            let center = from + (Double(x) + 0.5) * scale
            let row = (0..<source).map { max(0, 1 - abs(Double($0) + 0.5 - center) / support) }
            let sum = row.reduce(0, +)
            return row.map { $0 / sum }
        }
    }
    let columns = weights(image.width, box.x, box.width, width)
    let rows = weights(image.height, box.y, box.height, height)
    let channels = image.channels
    var result: [Double] = []
    for row in rows {
        for column in columns {
            for channel in 0..<channels {
                var sum = 0.0
                for y in 0..<image.height where row[y] > 0 {
                    for x in 0..<image.width where column[x] > 0 {
                        let pixel = image.pixels[(y * image.width + x) * channels + channel]
                        sum += row[y] * column[x] * Double(pixel)
                    }
                }
                result.append(sum)
            }
        }
    }
    return result
}

@Suite struct ResamplingTests {
    @Test(arguments: 0..<60 as Range<UInt64>)
    func `random shapes and boxes stay within one grey level of exact arithmetic`(
        seed: UInt64
    ) throws {
        var random = SeededGenerator(seed: seed)
        let image = seededImage(
            seed, width: Int.random(in: 1...50, using: &random),
            height: Int.random(in: 1...50, using: &random), channels: seed % 2 == 0 ? 3 : 1)
        let width = Int.random(in: 1...30, using: &random)
        let height = Int.random(in: 1...30, using: &random)
        // Eighths are exact in the single precision that boxes are kept in.
        func part(of length: Int) -> (Double, Double) {
            let start = Int.random(in: 0..<length * 8, using: &random)
            let end = Int.random(in: start + 1...length * 8, using: &random)
            return (Double(start) / 8, Double(end - start) / 8)
        }
        let (x, boxWidth) = part(of: image.width)
        let (y, boxHeight) = part(of: image.height)
        let whole = (x: 0.0, y: 0.0, width: Double(image.width), height: Double(image.height))
        let box = (x: x, y: y, width: boxWidth, height: boxHeight)
        for (result, box) in [
            (image.resized(width: width, height: height), whole),
            (try image.resized(box: box, width: width, height: height), box),
        ] {
            let exact = exactResize(image, box: box, width: width, height: height)
            try #require(result.pixels.count == exact.count)
            let difference = zip(result.pixels, exact).map { abs(Double($0) - $1) }.max() ?? 0
            // Half a level from each of the two roundings, and a little from the weights.
            #expect(difference < 1.01, "seed \(seed), box \(box), to \(width)x\(height)")
        }
    }

    @Test func `an image of one colour keeps it at any size`() {
        for value in [0, 1, 127, 254, 255] as [UInt8] {
            let image = PixelBuffer(
                width: 37, height: 23, channels: 3, pixels: Array(repeating: value, count: 2553))
            for (width, height) in [(1, 1), (5, 90), (90, 5), (37, 23), (200, 100)] {
                let result = image.resized(width: width, height: height)
                #expect(result.pixels.allSatisfy { $0 == value }, "\(value) at \(width)x\(height)")
            }
        }
    }

    @Test func `the same size gives the same image`() throws {
        let image = seededImage(8, width: 20, height: 11, channels: 3)
        #expect(image.resized(width: 20, height: 11) == image)
        #expect(try image.resized(box: (0, 0, 20, 11), width: 20, height: 11) == image)
    }

    @Test(arguments: [
        (-0.5, 0.0, 4.0, 4.0), (0.0, 0.0, 0.0, 4.0), (0.0, 0.0, 4.0, -1.0), (7.0, 0.0, 3.5, 1.0),
        (0.0, 6.0, 1.0, 1.01), (.nan, 0.0, 1.0, 1.0), (0.0, 0.0, .infinity, 1.0),
    ])
    func `a box that is empty or reaches outside the image is refused`(
        _ box: (Double, Double, Double, Double)
    ) {
        let image = seededImage(9, width: 10, height: 7, channels: 1)
        let error = #expect(throws: ImageError.self) {
            try image.resized(box: (box.0, box.1, box.2, box.3), width: 3, height: 3)
        }
        #expect(error?.code == .outsideImage)
    }
}
