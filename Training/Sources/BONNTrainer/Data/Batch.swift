public import BONNImage
public import Torch

/// Images and labels ready for the network, as plain values that may cross threads.
public struct Batch: Sendable, Equatable {
    /// `[N, H, W, C]`, normalised, row-major: the order of decoded pixels, and of the memory in which
    /// LibTorch's convolutions are fast.
    public var images: [Float]
    /// `[N]`.
    public var labels: [Int64]
    /// The index of each image in its data set.
    public var indices: [Int]
    /// `[N, H, W, C]`.
    public var shape: [Int]
    /// Why images that belong to this batch were left out; empty unless broken ones are skipped.
    public var skipped: [String]

    /// The images as the network reads them, [N, C, H, W] with channels last in memory.
    public func tensor(on device: Device = .cpu) throws(TorchError) -> Tensor {
        // One channel has both orders at once; LibTorch then prefers kernels by the strides, which are to be
        // those of a plain picture.
        if shape[3] == 1 {
            return try Tensor(images, shape: [shape[0], 1, shape[1], shape[2]], device: device)
        }
        return try Tensor(images, shape: shape, device: device).permute([0, 3, 1, 2])
    }
}

/// Turns one image of a data set into the numbers that the network reads.
public protocol ImageTransform: Sendable {
    /// Channels, height and width of the result.
    var shape: (channels: Int, height: Int, width: Int) { get }
    /// Writes the `[H, W, C]` numbers of an image.
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
