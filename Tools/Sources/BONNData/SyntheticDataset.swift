import BONNImage
import BONNModelFormat

/// How many synthetic images there are, and which.
public struct SyntheticOptions: Sendable, Equatable {
    /// Training images.
    public var trainCount: Int
    /// Test images.
    public var testCount: Int
    /// Images of different seeds have nothing in common but the classes.
    public var seed: UInt64

    /// Creates options.
    public init(trainCount: Int = 8_000, testCount: Int = 2_000, seed: UInt64 = 0) {
        self.trainCount = trainCount
        self.testCount = testCount
        self.seed = seed
    }

    /// Reads `synthetic` or `synthetic:N`; nil when the text is a path.
    /// - Throws: `DataError.invalidOption` when N is not a number from 10 to 10,000,000.
    init?(parsing text: String, defaults: SyntheticOptions) throws(DataError) {
        self = defaults
        guard text != "synthetic" else { return }
        guard text.hasPrefix("synthetic:") else { return nil }
        let number = text.dropFirst("synthetic:".count)
        guard let count = Int(number), (10...10_000_000).contains(count) else {
            throw DataError(
                .invalidOption,
                "'\(text)': expected synthetic:N with N training images, 10 to 10,000,000, found "
                    + "'\(number)'")
        }
        trainCount = count
        testCount = max(10, count / 4)
    }
}

/// Images that this program draws: one of ten shapes at a random place, size, angle and colour,
/// over a background of gradient, strokes and blobs, under a stroke and noise.
///
/// Position, size, angle and colours carry no information on the class, so a linear classifier
/// learns next to nothing, while a small convolutional network learns the shapes in a few epochs.
/// Image i of a split depends on (seed, split, i) alone and is drawn when it is asked for; only
/// exactly rounded operations are used, so every machine draws the same bytes.
struct SyntheticDataset: ImageDataset {
    let name: String
    let classNames = SyntheticShape.allCases.map { Name($0.rawValue) }
    let channels = 3
    let count: Int
    var imageSize: (width: Int, height: Int)? { (SyntheticPainter.side, SyntheticPainter.side) }

    private let seed: UInt64
    private let split: Split

    /// Creates one of the two splits.
    init(_ options: SyntheticOptions, split: Split) {
        name = "synthetic (\(split.rawValue))"
        seed = options.seed
        count = split == .train ? options.trainCount : options.testCount
        self.split = split
    }

    func label(at index: Int) -> Int {
        precondition((0..<count).contains(index), "image \(index) of \(name), which has \(count)")
        return index % classNames.count
    }

    func image(at index: Int) throws(DataError) -> PixelBuffer {
        let shape = SyntheticShape.allCases[label(at: index)]
        var painter = SyntheticPainter(
            SeededGenerator(seed: seed, stream: split == .train ? 0 : 1, UInt64(index)))
        return painter.draw(shape)
    }

    func identifier(at index: Int) -> String {
        "synthetic \(split.rawValue) image \(index)"
    }
}
