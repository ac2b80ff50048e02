import BONNImage
import BONNImageIO
import BONNModelFormat
import BONNTestSupport

extension Target {
    /// A format of image files.
    enum ImageFormat: String, Sendable {
        case jpeg
        case png
        case gif
        case webp
    }

    /// Image files. One that is decoded keeps within its budget, is the same again after it was written as
    /// PNG, is what it is unturned but turned, and can be prepared for a network.
    static func image(_ format: ImageFormat) -> Target {
        Target(
            name: format.rawValue,
            check: { bytes in
                let turning = exifTurning(of: bytes)
                let stored = try decodeImage(
                    bytes, name: "image", orientation: .stored, budget: budget)
                try promise(stored.pixels.count <= budget.bytes, "larger than the budget")
                let again = try promise("writing and reading it") {
                    try decodeImage(
                        try encodePNG(stored), name: "what was written", orientation: .exif)
                }
                try promise(again == stored, "another image after it was written")
                // Turning needs room for a second image beside what the codec holds.
                guard 8 * stored.pixels.count <= budget.bytes else { return true }
                let image = try decodeImage(
                    bytes, name: "image", orientation: .exif, budget: budget)
                try promise(image == stored.turned(turning), "not the stored image turned")
                let input = try promise("preparing it") { try preprocessing.input(image) }
                try promise(input.count == 3 * 8 * 8, "\(input.count) numbers for a network")
                return true
            },
            // The files of Tools/Tests come beside these; Scripts/fuzz.sh copies them.
            seeds: { format == .png ? pictures() : format == .gif ? [beyondTable] : [] },
            mutate: format == .png ? PNGMutation.mutate : nil)
    }

    private static let budget = DecodingBudget(bytes: 2_000_000)

    private static let preprocessing = Preprocessing(
        width: 8, height: 8, resize: .stretch, channels: .rgb, mean: [0.5, 0.5, 0.5],
        std: [0.25, 0.25, 0.25])

    /// Four pixels of which two name colors behind the last one of the table.
    private static let beyondTable: [UInt8] =
        Array("GIF87a".utf8) + [2, 0, 2, 0, 0x80, 0, 0, 255, 0, 0, 0, 255, 0]
        + [0x2C, 0, 0, 0, 0, 2, 0, 2, 0, 0, 2, 3, 0x44, 0x34, 0x05, 0, 0x3B]

    private static func pictures() -> [[UInt8]] {
        // The last one is beyond the budget.
        [(1, 1, 1), (5, 3, 3), (16, 2, 1), (900, 800, 3)].compactMap { width, height, channels in
            let pixels = (0..<width * height * channels).map {
                UInt8(truncatingIfNeeded: 7 * min($0, 100))
            }
            return try? encodePNG(
                PixelBuffer(width: width, height: height, channels: channels, pixels: pixels))
        }
    }
}
