/// The EXIF and XMP data in an image file, found without decoding anything and in one pass.
struct ImageMetadata {
    /// A TIFF structure, perhaps behind `Exif\0\0`.
    private(set) var exif: ArraySlice<UInt8>?
    /// What stands before the structure in JPEG files, and in other files perhaps.
    static let exifPrefix = Array("Exif\0\0".utf8)
    /// XML.
    private(set) var xmp: ArraySlice<UInt8>?

    /// Looks through the segments or chunks of a JPEG, PNG or WebP file; other files have no data.
    init(of bytes: [UInt8]) {
        if bytes.starts(with: [0xFF, 0xD8]) {
            readJPEG(bytes)
        } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
            readPNG(bytes)
        } else if bytes.starts(with: "RIFF".utf8) {
            readWebP(bytes)
        }
    }

    private mutating func readJPEG(_ bytes: [UInt8]) {
        let xmpPrefix = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
        var position = 2
        while position + 1 < bytes.count {
            guard bytes[position] == 0xFF, bytes[position + 1] != 0xFF else {
                position += 1
                continue
            }
            let marker = bytes[position + 1]
            position += 2
            switch marker {
            case 0x00, 0xD0...0xD8: continue
            // The scan: what follows is no metadata.
            case 0xD9, 0xDA: return
            default: break
            }
            guard position + 2 <= bytes.count else { return }
            let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
            let end = position + length
            guard length >= 2, end <= bytes.count else { return }
            let content = bytes[position + 2..<end]
            if marker == 0xE1 {
                if content.starts(with: Self.exifPrefix) {
                    // More than 64 kB of it lie in several segments.
                    if exif == nil {
                        exif = content
                    } else {
                        exif?.append(contentsOf: content.dropFirst(Self.exifPrefix.count))
                    }
                } else if content.starts(with: xmpPrefix) {
                    xmp = content.dropFirst(xmpPrefix.count)
                }
            }
            position = end
        }
    }

    private mutating func readPNG(_ bytes: [UInt8]) {
        var position = 8
        while position + 12 <= bytes.count {
            let length = bigEndian(bytes[position..<position + 4])
            let end = position + 12 + length
            guard end <= bytes.count else { return }
            let kind = bytes[position + 4..<position + 8]
            if kind.elementsEqual("eXIf".utf8),
                crc32(bytes[position + 4..<end - 4]) == bigEndian(bytes[end - 4..<end])
            {
                exif = Self.exifPrefix + bytes[position + 8..<end - 4]
            }
            position = end
        }
    }

    private mutating func readWebP(_ bytes: [UInt8]) {
        // Only the extended form announces metadata, in its flags.
        guard bytes.count >= 30, bytes[12..<16].elementsEqual("VP8X".utf8) else { return }
        let (hasExif, hasXMP) = (bytes[20] & 0x08 != 0, bytes[20] & 0x04 != 0)
        var position = 12
        while position + 8 <= bytes.count {
            let length = bytes[position + 4..<position + 8].reversed().reduce(0) {
                $0 << 8 | Int($1)
            }
            let start = position + 8
            guard start + length <= bytes.count else { return }
            let kind = bytes[position..<position + 4]
            let content = bytes[start..<start + length]
            if hasExif, exif == nil, kind.elementsEqual("EXIF".utf8) { exif = content }
            if hasXMP, xmp == nil, kind.elementsEqual("XMP ".utf8) { xmp = content }
            position = start + length + length % 2
        }
    }

    private func bigEndian(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }

    /// The checksum of PNG's chunks: CRC-32 of IEEE 802.3, bit by bit, as metadata is short.
    private func crc32(_ bytes: ArraySlice<UInt8>) -> Int {
        var remainder: UInt32 = .max
        for byte in bytes {
            remainder ^= UInt32(byte)
            for _ in 0..<8 {
                remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0xEDB8_8320 : remainder >> 1
            }
        }
        return Int(~remainder)
    }
}
