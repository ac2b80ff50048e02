import BONNImage

/// Sums and sums of squares of the samples of images, by channel, as exact integers.
///
/// 2^47 samples fit before a sum of squares could overflow.
struct PixelSums {
    private var count: UInt64 = 0
    private var sums: [UInt64]
    private var squares: [UInt64]

    init(channels: Int) {
        sums = [UInt64](repeating: 0, count: channels)
        squares = sums
    }

    /// Adds the pixels of an image; one with another number of channels is converted.
    mutating func add(_ image: PixelBuffer) {
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

    /// Means and deviations in units of a full-scale sample.
    var statistics: ChannelStatistics {
        let total = Double(max(count, 1))
        let means = sums.map { Double($0) / total }
        let deviations = zip(squares, means).map { square, mean in
            max(Double(square) / total - mean * mean, 0).squareRoot()
        }
        return ChannelStatistics(
            mean: means.map { Float($0 / 255) }, std: deviations.map { Float(max($0, 1) / 255) })
    }
}
