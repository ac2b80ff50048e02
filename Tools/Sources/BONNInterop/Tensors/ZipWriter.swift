import BONNModelFormat

/// A zip archive of stored files, the same bytes every time: no entry has a time.
///
/// Layout: each file behind a local header (`PK 03 04`, 30 bytes and the name); then the directory, 46 bytes and the name
/// each (`PK 01 02`); then its end (`PK 05 06`, 22 bytes). Names are UTF-8 (bit 11 of the flags). Sizes and places
/// are of 32 bits, and there are 65535 files at most.
struct ZipWriter {
    private var bytes: [UInt8] = []
    private var directory: [UInt8] = []
    private var count = 0

    /// Appends a file.
    mutating func add(_ name: Name, _ data: [UInt8]) throws(InteropError) {
        guard bytes.count + data.count < Int(UInt32.max), count < Int(UInt16.max),
            name.text.utf8.count <= Int(UInt16.max)
        else { throw Self.tooLarge }
        let start = bytes.count
        // Version 2.0, the flags, no compression, 1980-01-01, checksum, both sizes, the lengths of name and extra.
        let common =
            Self.number(20, 2) + Self.number(1 << 11, 2) + Self.number(0, 2) + Self.number(0, 2)
            + Self.number(0x21, 2) + Self.number(Int(CRC32.checksum(data)), 4)
            + Self.number(data.count, 4) + Self.number(data.count, 4)
            + Self.number(name.text.utf8.count, 2) + Self.number(0, 2)
        bytes += [0x50, 0x4B, 3, 4] + common + name.text.utf8 + data
        // The comment, the disk and the attributes are empty.
        directory += [0x50, 0x4B, 1, 2] + Self.number(20, 2) + common + Self.number(0, 10)
        directory += Self.number(start, 4) + name.text.utf8
        count += 1
    }

    /// The archive.
    func finished() throws(InteropError) -> [UInt8] {
        guard bytes.count + directory.count < Int(UInt32.max) else { throw Self.tooLarge }
        return bytes + directory + [0x50, 0x4B, 5, 6] + Self.number(0, 4) + Self.number(count, 2)
            + Self.number(count, 2) + Self.number(directory.count, 4)
            + Self.number(bytes.count, 4) + Self.number(0, 2)
    }

    private static var tooLarge: InteropError {
        InteropError(
            .limitExceeded,
            "expected tensors of less than 4 GiB in at most 65535 files, found more; write "
                + "--format safetensors")
    }

    private static func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}

/// CRC-32 of IEEE 802.3, a byte a step.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { (byte: UInt32) in
        (0..<8).reduce(byte) { rest, _ in rest >> 1 ^ (rest & 1 == 1 ? 0xEDB8_8320 : 0) }
    }

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        let table = table
        return ~bytes.reduce(UInt32.max) {
            $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)]
        }
    }
}
