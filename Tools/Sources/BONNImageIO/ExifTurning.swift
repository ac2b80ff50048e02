public import BONNImage

/// How an image file has to be turned to stand upright, by its EXIF data.
///
/// As Pillow's `ImageOps.exif_transpose`: the orientation in the first directory of the EXIF data (APP1
/// segments of JPEG, the chunk eXIf of PNG, the chunk EXIF of WebP); where it has none, that of the XMP
/// data of JPEG and WebP. Data that is malformed, and values other than 1 to 8, turn nothing.
///
/// - Parameter bytes: The whole file.
public func exifTurning(of bytes: [UInt8]) -> Turning {
    let metadata = ImageMetadata(of: bytes)
    let value = metadata.exif.flatMap(exifOrientation) ?? xmpOrientation(metadata.xmp)
    return value.flatMap(Turning.init(rawValue:)) ?? .none
}

/// The value of the tag Orientation of a TIFF structure, as an integer; nil where it has none. Where the
/// value is no integer, or the structure none at all, it is 0.
func exifOrientation(_ bytes: ArraySlice<UInt8>) -> Int? {
    var bytes = bytes
    for _ in 0..<2 where bytes.starts(with: ImageMetadata.exifPrefix) {
        bytes = bytes.dropFirst(ImageMetadata.exifPrefix.count)
    }
    guard !bytes.isEmpty else { return nil }
    guard let reader = TIFFReader(Array(bytes)) else { return 0 }
    return reader.firstElement(ofTag: 0x0112)
}

/// The first orientation that XMP states, one digit.
private func xmpOrientation(_ bytes: ArraySlice<UInt8>?) -> Int? {
    guard let bytes else { return nil }
    let key = Array("tiff:Orientation".utf8)
    var position = bytes.startIndex
    while position + key.count < bytes.endIndex {
        guard bytes[position] == key[0], bytes[position...].starts(with: key) else {
            position += 1
            continue
        }
        position += key.count
        let rest = bytes[position...]
        let skipped = rest.starts(with: "=\"".utf8) ? 2 : rest.starts(with: ">".utf8) ? 1 : 0
        if skipped > 0, let digit = rest.dropFirst(skipped).first,
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit)
        {
            return Int(digit) - Int(UInt8(ascii: "0"))
        }
    }
    return nil
}

/// Reads the first directory of a TIFF structure in one pass; follows no other, so that no chain of
/// directories can lead in circles.
private struct TIFFReader {
    private let bytes: [UInt8]
    private let isLittleEndian: Bool
    private let directory: Int

    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 8 else { return nil }
        self.bytes = bytes
        switch (bytes[0], bytes[1], bytes[2], bytes[3]) {
        case (0x49, 0x49, 0x2A, 0), (0x49, 0x49, 0, 0x2A): isLittleEndian = true
        case (0x4D, 0x4D, 0x2A, 0), (0x4D, 0x4D, 0, 0x2A), (0x4D, 0x4D, 0, 0x2B):
            isLittleEndian = false
        default: return nil
        }
        directory = Int(
            Self.unsigned(bytes[4..<8], isLittleEndian: isLittleEndian))
    }

    private static func unsigned(_ bytes: ArraySlice<UInt8>, isLittleEndian: Bool) -> UInt64 {
        isLittleEndian
            ? bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
            : bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func unsigned(_ offset: Int, _ count: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - count else { return nil }
        return Int(
            truncatingIfNeeded: Self.unsigned(
                bytes[offset..<offset + count], isLittleEndian: isLittleEndian))
    }

    /// Bytes of an element of each type; other types are passed over.
    private static let sizes = [
        1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8,
    ]

    /// The first element of a tag, where the directory has it.
    func firstElement(ofTag wanted: Int) -> Int? {
        guard let count = unsigned(directory, 2) else { return nil }
        var outside = 0
        var seen: Set<Int> = []
        for index in 0..<count {
            let entry = directory + 2 + 12 * index
            guard let tag = unsigned(entry, 2), let type = unsigned(entry + 2, 2),
                let elements = unsigned(entry + 4, 4), let place = unsigned(entry + 8, 4)
            else { return nil }
            guard !seen.contains(tag), let size = Self.sizes[type] else { continue }
            let length = elements * size
            var start = entry + 8
            if length > 4 {
                // Tags that lie outside of their entries cannot hold more than there is.
                outside += length
                if outside > bytes.count { continue }
                start = place
                guard start <= bytes.count - length else { return nil }
            }
            guard length > 0 else { continue }
            if tag == wanted { return integer(at: start, type) }
            seen.insert(tag)
        }
        return nil
    }

    /// A number that is an integer; 0 for everything else.
    private func integer(at start: Int, _ type: Int) -> Int {
        func number(_ offset: Int, _ count: Int) -> Int { unsigned(start + offset, count) ?? 0 }
        switch type {
        case 3: return number(0, 2)
        case 4, 13: return number(0, 4)
        case 16: return number(0, 8)
        case 6: return Int(Int8(truncatingIfNeeded: number(0, 1)))
        case 8: return Int(Int16(truncatingIfNeeded: number(0, 2)))
        case 9: return Int(Int32(truncatingIfNeeded: number(0, 4)))
        case 5: return quotient(number(0, 4), number(4, 4))
        case 10:
            return quotient(
                Int(Int32(truncatingIfNeeded: number(0, 4))),
                Int(Int32(truncatingIfNeeded: number(4, 4))))
        case 11:
            return Int(exactly: Float(bitPattern: UInt32(truncatingIfNeeded: number(0, 4)))) ?? 0
        case 12:
            return Int(exactly: Double(bitPattern: UInt64(truncatingIfNeeded: number(0, 8)))) ?? 0
        default: return 0
        }
    }

    private func quotient(_ numerator: Int, _ denominator: Int) -> Int {
        denominator != 0 && numerator % denominator == 0 ? numerator / denominator : 0
    }
}
