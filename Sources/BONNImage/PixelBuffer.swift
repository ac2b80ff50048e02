/// An 8-bit image in memory: gray or red-green-blue, rows from top to bottom, channels interleaved
/// (HWC).
public struct PixelBuffer: Sendable, Equatable {
    /// Pixels per row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// 1 (gray) or 3 (red, green, blue).
    public let channels: Int
    /// `height * width * channels` bytes; the count never changes.
    public var pixels: [UInt8] {
        didSet { precondition(pixels.count == width * height * channels, "pixel count changed") }
    }

    /// Wraps bytes as an image.
    ///
    /// The sizes are the caller's to get right: at least 1x1, 1 or 3 channels, and exactly
    /// `height * width * channels` bytes. Anything else is a programming error and traps.
    public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "image of \(width)x\(height) pixels")
        precondition(channels == 1 || channels == 3, "image of \(channels) channels")
        precondition(
            pixels.count == width * height * channels,
            "\(pixels.count) bytes for \(width)x\(height)x\(channels)")
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }

    /// Creates an image whose bytes `fill` writes, all of them.
    init(
        width: Int, height: Int, channels: Int,
        filledBy fill: (UnsafeMutablePointer<UInt8>) -> Void
    ) {
        let count = width * height * channels
        self.init(
            width: width, height: height, channels: channels,
            pixels: [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                if let base = buffer.baseAddress { fill(base) }
                initialized = count
            })
    }

    /// Calls `body` with the first byte of the pixels, which an image always has.
    func withPixels<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
        pixels.withUnsafeBufferPointer { body($0.baseAddress.unsafelyUnwrapped) }
    }

    /// Luma by ITU-R 601-2 in 16-bit fixed point, byte for byte Pillow's `convert("L")`.
    ///
    /// A gray image is returned as it is.
    public func gray() -> PixelBuffer {
        if channels == 1 { return self }
        let count = width * height
        return withPixels { source in
            PixelBuffer(width: width, height: height, channels: 1) { target in
                for i in 0..<count {
                    let red = UInt32(source[3 * i])
                    let green = UInt32(source[3 * i + 1])
                    let blue = UInt32(source[3 * i + 2])
                    let sum = red &* 19595 &+ green &* 38470 &+ blue &* 7471 &+ 0x8000
                    target[i] = UInt8(truncatingIfNeeded: sum &>> 16)
                }
            }
        }
    }

    /// Three equal channels from a gray image; an image with three channels is returned as it is.
    public func rgb() -> PixelBuffer {
        if channels == 3 { return self }
        let count = width * height
        return withPixels { source in
            PixelBuffer(width: width, height: height, channels: 3) { target in
                for i in 0..<count {
                    let value = source[i]
                    target[3 * i] = value
                    target[3 * i + 1] = value
                    target[3 * i + 2] = value
                }
            }
        }
    }
}
