import BONNImage
import BONNImageIO

extension Target {
    /// EXIF data. They turn an image in the same way, whichever format of file they lie in.
    static let exif = Target(
        name: "exif",
        check: { bytes in
            // Pillow takes off two prefixes, and of PNG it adds one: more than one would be told apart.
            var structure = bytes[...]
            while structure.starts(with: prefix) { structure = structure.dropFirst(prefix.count) }
            // More does not fit into a segment of a JPEG file.
            let content = prefix + structure.prefix(60_000)
            let turning = exifTurning(of: jpeg(content))
            try promise(exifTurning(of: png(content)) == turning, "PNG differs from JPEG")
            try promise(exifTurning(of: webp(content)) == turning, "WebP differs from JPEG")
            return turning != .none
        },
        seeds: {
            let little: [UInt8] =
                Array("II*\0".utf8) + [8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]
            let big: [UInt8] =
                Array("MM\0*".utf8) + [0, 0, 0, 8, 0, 2]
                + [0x01, 0x0F, 0, 2, 0, 0, 0, 5, 0, 0, 0, 40]
                + [0x01, 0x12, 0, 4, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 65, 66, 67, 68, 0]
            return [little, big]
        })

    private static let prefix = Array("Exif\0\0".utf8)

    private static func jpeg(_ content: [UInt8]) -> [UInt8] {
        let length = content.count + 2
        return [0xFF, 0xD8, 0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)] + content
            + [0xFF, 0xD9]
    }

    private static func png(_ content: [UInt8]) -> [UInt8] {
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + PNGMutation.chunk("eXIf", content)
    }

    /// The extended form with its flag for EXIF data.
    private static func webp(_ content: [UInt8]) -> [UInt8] {
        func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
            let length = (0..<4).map { UInt8(truncatingIfNeeded: content.count >> (8 * $0)) }
            return Array(name.utf8) + length + content
                + [UInt8](repeating: 0, count: content.count % 2)
        }
        let features = chunk("VP8X", [0x08] + [UInt8](repeating: 0, count: 9))
        return chunk("RIFF", Array("WEBP".utf8) + features + chunk("EXIF", content))
    }
}
