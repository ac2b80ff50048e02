extension Preprocessing {
    /// The factor and the offset of a channel: `y = fl(fl(pixel * factor) + offset)`, all in single
    /// precision, with `factor = 1 / (255 * std)` and `offset = -mean / std`.
    public func affine(channel: Int) -> (factor: Float, offset: Float) {
        (1 / (255 * std[channel]), -mean[channel] / std[channel])
    }
}

/// What 8-bit pixels become as the input of a network.
///
/// There are 256 values a channel: a table of them is exact and needs no arithmetic per pixel.
package struct PixelTable: Sendable {
    /// Samples of a pixel.
    package let channels: Int
    /// 256 numbers of each channel, one channel after the other.
    private let numbers: [Float]

    /// The normalised numbers of a rule, which has a mean and a deviation of each channel.
    package init(_ preprocessing: Preprocessing) {
        channels = preprocessing.mean.count
        numbers = (0..<channels).flatMap { channel in
            let (factor, offset) = preprocessing.affine(channel: channel)
            return (0..<256).map { Float($0) * factor + offset }
        }
    }

    /// The pixels as they are.
    package init(unchanged channels: Int) {
        self.channels = channels
        numbers = (0..<channels).flatMap { _ in (0..<256).map { Float($0) } }
    }

    /// Writes pixels as they lie, channels interleaved.
    ///
    /// - Parameters:
    ///   - pixels: `count * channels` bytes.
    ///   - target: room for as many numbers, which need not be initialised.
    package func write(
        _ pixels: UnsafePointer<UInt8>, count: Int, to target: UnsafeMutablePointer<Float>
    ) {
        numbers.withUnsafeBufferPointer { table in
            var place = 0
            for _ in 0..<count {
                for channel in 0..<channels {
                    let number = table[channel << 8 | Int(pixels[place])]
                    (target + place).initialize(to: number)
                    place += 1
                }
            }
        }
    }

    /// Writes pixels as planes, one channel after the other; as above.
    package func writePlanes(
        _ pixels: UnsafePointer<UInt8>, count: Int, to target: UnsafeMutablePointer<Float>
    ) {
        numbers.withUnsafeBufferPointer { table in
            for channel in 0..<channels {
                let output = target + channel * count
                var sample = pixels + channel
                for pixel in 0..<count {
                    (output + pixel).initialize(to: table[channel << 8 | Int(sample.pointee)])
                    sample += channels
                }
            }
        }
    }
}
