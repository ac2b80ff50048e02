/// An image in memory: 8-bit samples, rows from the top, channels interleaved (H, W, C).
public struct PixelBuffer: Sendable, Equatable {
    /// Width in pixels.
    public let width: Int
    /// Height in pixels.
    public let height: Int
    /// 1 (gray) or 3 (red, green, blue).
    public let channels: Int
    /// `height * width * channels` samples.
    public var pixels: [UInt8]

    /// Creates an image from its samples; their count must be `height * width * channels`.
    public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
        precondition(
            width > 0 && height > 0 && (channels == 1 || channels == 3)
                && pixels.count == width * height * channels,
            "\(pixels.count) samples cannot be an image of \(width)x\(height)x\(channels)")
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }
}
