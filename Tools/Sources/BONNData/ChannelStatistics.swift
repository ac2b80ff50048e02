public import BONNImage

/// Mean and standard deviation of each channel, in units of a full-scale sample (0...1).
public struct ChannelStatistics: Sendable, Equatable {
    /// One mean a channel.
    public let mean: [Double]
    /// One standard deviation a channel. That of a channel without any variation is 1 / 255, by which it can
    /// be divided.
    public let std: [Double]
}

/// Sums and sums of squares of the samples of images, by channel, as exact integers.
///
/// 2^47 samples fit before a sum of squares could overflow.
public struct PixelSums: Sendable {
    private var count: UInt64 = 0
    private var sums: [UInt64]
    private var squares: [UInt64]

    /// No image yet.
    public init(channels: Int) {
        sums = [UInt64](repeating: 0, count: channels)
        squares = sums
    }

    /// Adds the pixels of an image; one with another number of channels is converted.
    public mutating func add(_ image: PixelBuffer) {
        let channels = sums.count
        let image = image.channels == channels ? image : channels == 1 ? image.gray() : image.rgb()
        image.pixels.withUnsafeBufferPointer { pixels in
            for channel in 0..<channels {
                var sum: UInt64 = 0
                var square: UInt64 = 0
                for index in stride(from: channel, to: pixels.count, by: channels) {
                    let sample = UInt64(pixels[index])
                    sum += sample
                    square += sample * sample
                }
                sums[channel] += sum
                squares[channel] += square
            }
        }
        count += UInt64(image.width * image.height)
    }

    /// Of all pixels so far, in whatever order they came; nil where there was none.
    public var statistics: ChannelStatistics? {
        guard count > 0 else { return nil }
        let total = Double(count)
        let means = sums.map { Double($0) / total }
        let deviations = zip(squares, means).map { square, mean in
            max(Double(square) / total - mean * mean, 0).squareRoot()
        }
        return ChannelStatistics(
            mean: means.map { $0 / 255 }, std: deviations.map { max($0, 1) / 255 })
    }
}
