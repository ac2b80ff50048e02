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
    ///   - pixels: `count * channels` bytes, channels interleaved.
    ///   - target: room for as many numbers, which need not be initialised.
    package func write(
        _ pixels: UnsafePointer<UInt8>, count: Int, to target: UnsafeMutablePointer<Float>
    ) {
        write(pixels, count: count, to: target, pixelStep: channels, channelStep: 1)
    }

    /// Writes pixels as planes, one channel after the other; as above.
    package func writePlanes(
        _ pixels: UnsafePointer<UInt8>, count: Int, to target: UnsafeMutablePointer<Float>
    ) {
        write(pixels, count: count, to: target, pixelStep: 1, channelStep: count)
    }

    /// Channel by channel, which keeps a table of 256 numbers at hand.
    private func write(
        _ pixels: UnsafePointer<UInt8>, count: Int, to target: UnsafeMutablePointer<Float>,
        pixelStep: Int, channelStep: Int
    ) {
        numbers.withUnsafeBufferPointer { numbers in
            guard let table = numbers.baseAddress else { return }
            for channel in 0..<channels {
                let own = table + 256 * channel
                var sample = pixels + channel
                var output = target + channel * channelStep
                for _ in 0..<count {
                    output.initialize(to: own[Int(sample.pointee)])
                    sample += channels
                    output += pixelStep
                }
            }
        }
    }
}
