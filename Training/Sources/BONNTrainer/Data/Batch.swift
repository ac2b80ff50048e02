public import BONNImage

/// Images and labels ready for the network, as plain values that may cross threads.
public struct Batch: Sendable, Equatable {
    /// `[N, C, H, W]`, normalised, row-major.
    public var images: [Float]
    /// `[N]`.
    public var labels: [Int64]
    /// The index of each image in its data set.
    public var indices: [Int]
    /// `[N, C, H, W]`.
    public var shape: [Int]
    /// Why images that belong to this batch were left out; empty unless broken ones are skipped.
    public var skipped: [String]
}

/// Turns one image of a data set into the numbers that the network reads.
public protocol ImageTransform: Sendable {
    /// Channels, height and width of the result.
    var shape: (channels: Int, height: Int, width: Int) { get }
    /// Writes the `[C, H, W]` numbers of an image.
    ///
    /// - Parameters:
    ///   - image: the decoded image, of any size.
    ///   - index: the image's index in its data set, from which all randomness follows.
    ///   - output: room for C * H * W numbers.
    /// - Throws: `.data` when the image does not fit.
    func write(
        _ image: PixelBuffer, index: Int, into output: UnsafeMutableBufferPointer<Float>
    ) throws(TrainingError)
}
