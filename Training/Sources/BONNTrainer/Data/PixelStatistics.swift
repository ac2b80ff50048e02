import BONNData
import BONNImage
import BONNModelFormat

/// The mean and standard deviation of each channel, in units of a full-scale pixel.
struct PixelStatistics {
    private static let largestSample = 4096

    let mean: [Double]
    let std: [Double]

    init(
        of dataset: any ImageDataset, as preprocessing: Preprocessing, skipBroken: Bool
    ) throws(TrainingError) {
        let channels = preprocessing.inputShape.channels
        var sums = [Int](repeating: 0, count: channels)
        var squares = sums
        var pixels = 0
        let sample = min(dataset.count, Self.largestSample)
        for position in 0..<sample {
            let index = position * dataset.count / sample
            do {
                let image = try preprocessing.apply(try dataset.image(at: index))
                for (offset, value) in image.pixels.enumerated() {
                    sums[offset % channels] += Int(value)
                    squares[offset % channels] += Int(value) * Int(value)
                }
                pixels += image.width * image.height
            } catch {
                guard skipBroken else { throw TrainingError(.data, "\(error)") }
            }
        }
        guard pixels > 0 else {
            throw TrainingError(.data, "\(dataset.name): no image could be read")
        }
        let count = Double(pixels)
        let means = sums.map { Double($0) / count }
        let variances = zip(squares, means).map { Double($0) / count - $1 * $1 }
        mean = means.map { Self.rounded($0 / 255) }
        std = variances.map { max(0.001, Self.rounded(max(0, $0).squareRoot() / 255)) }
    }

    private static func rounded(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }
}
