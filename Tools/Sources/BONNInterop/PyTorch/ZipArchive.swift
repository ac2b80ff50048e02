import BONNModelFormat

/// The entries of a zip archive as `torch.save` writes them: stored, neither compressed nor encrypted.
///
/// Layout, from the end: the end of central directory (22 bytes and a comment: signature `PK 05 06`, at byte
/// 10 the number of entries in 16 bits, at 12 the size and at 16 the place of the directory in 32 bits), before
/// it, where one of them is full, a locator (`PK 06 07`, at 8 the place of the 64-bit end of directory). Each
/// entry of the directory (`PK 01 02`) is 46 bytes, a name, extra fields and a comment; the data lie behind a
/// local header (`PK 03 04`, 30 bytes, name, extra).
struct ZipArchive {
    /// The data of each entry by its whole name.
    private(set) var entries: [Name: Range<Int>] = [:]

    /// Whether bytes begin as a zip archive does.
    static func begins(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x50, 0x4B, 3, 4]) }

    /// Finds all entries.
    ///
    /// - Throws: `InteropError` for entries that are compressed, encrypted, named twice, named otherwise in their
    ///   own header, that overlap, or lie outside of the file.
    init(_ bytes: [UInt8], place: String) throws(InteropError) {
        let whole = ByteCursor(bytes[...], place: place)
        func cursor(at offset: Int) throws(InteropError) -> ByteCursor {
            var cursor = whole
            _ = try cursor.take(offset)
            return cursor
        }
        let lowest = max(0, bytes.count - 22 - 0xFFFF)
        guard
            let end = stride(from: bytes.count - 22, through: lowest, by: -1).first(where: {
                bytes[$0...].starts(with: [0x50, 0x4B, 5, 6])
            })
        else {
            throw InteropError(
                .malformed,
                "\(place): expected the directory of a zip archive at its end, found none; the file is "
                    + "cut, copy it again")
        }
        var tail = try cursor(at: end + 20)
        let (comment, behind) = (try tail.size(2), bytes.count - end - 22)
        guard comment == behind else {
            throw InteropError(
                .malformed,
                "\(place), byte \(end + 20): expected a comment of \(behind) bytes up to the end of the file, "
                    + "found one of \(comment); the file is damaged, copy it again")
        }
        tail = try cursor(at: end + 10)
        var count = try tail.size(2)
        _ = try tail.take(4)
        var start = try tail.size(4)
        if end >= 20, bytes[(end - 20)...].starts(with: [0x50, 0x4B, 6, 7]) {
            var locator = try cursor(at: end - 12)
            var wide = try cursor(at: try locator.size(8))
            try Self.expect(&wide, [0x50, 0x4B, 6, 6])
            _ = try wide.take(28)
            count = try wide.size(8)
            _ = try wide.take(8)
            start = try wide.size(8)
        }
        guard count <= bytes.count / 46 else {
            throw InteropError(
                .limitExceeded,
                "\(place): expected at most \(bytes.count / 46) entries in a file of \(bytes.count) bytes, "
                    + "found \(count); the file is damaged")
        }
        var directory = try cursor(at: start)
        var taken: [Range<Int>] = []
        for _ in 0..<count {
            let entry = try Self.entry(&directory)
            var local = try cursor(at: entry.start)
            try Self.expect(&local, [0x50, 0x4B, 3, 4])
            _ = try local.take(22)
            let (name, extra) = (try local.size(2), try local.size(2))
            guard try local.take(name).elementsEqual(entry.name.text.utf8) else {
                throw InteropError(
                    .malformed,
                    "\(place), byte \(entry.start): expected the header of the entry "
                        + "'\(printable(entry.name.text, limit: 60))', found another name; the file is damaged"
                )
            }
            _ = try local.take(extra)
            let first = local.position
            _ = try local.take(entry.size)
            taken.append(entry.start..<local.position)
            guard entries.updateValue(first..<local.position, forKey: entry.name) == nil else {
                throw InteropError(
                    .malformed,
                    "\(place): expected entries of different names, found "
                        + "'\(printable(entry.name.text, limit: 60))' twice")
            }
        }
        try Self.expectDisjoint(taken, before: start, place)
    }

    /// Bytes that many entries share would make much of a small file.
    private static func expectDisjoint(
        _ taken: [Range<Int>], before directory: Int, _ place: String
    ) throws(InteropError) {
        var free = 0
        for range in taken.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            guard range.lowerBound >= free, range.upperBound <= directory else {
                throw InteropError(
                    .malformed,
                    "\(place), byte \(range.lowerBound): expected entries one behind the other and before the "
                        + "directory at byte \(directory), found an entry that overlaps; the file is damaged"
                )
            }
            free = range.upperBound
        }
    }

    private static func expect(
        _ cursor: inout ByteCursor, _ signature: [UInt8]
    ) throws(InteropError) {
        let offset = cursor.offset
        guard try cursor.take(4).elementsEqual(signature) else {
            throw InteropError(
                .malformed,
                "\(cursor.place), byte \(offset): expected a header of the zip archive, found other bytes; "
                    + "the file is damaged")
        }
    }

    /// The next entry of the directory, with the place of its local header.
    private static func entry(
        _ cursor: inout ByteCursor
    ) throws(InteropError) -> (name: Name, start: Int, size: Int) {
        try expect(&cursor, [0x50, 0x4B, 1, 2])
        _ = try cursor.take(4)
        let (flags, method) = (try cursor.size(2), try cursor.size(2))
        _ = try cursor.take(8)
        var (stored, size) = (try cursor.size(4), try cursor.size(4))
        let (name, extra, comment) = (
            try cursor.size(2), try cursor.size(2), try cursor.size(2)
        )
        _ = try cursor.take(8)
        var start = try cursor.size(4)
        let text = try cursor.text(name)
        let fields = try cursor.take(extra)
        _ = try cursor.take(comment)
        // What does not fit in 32 bits stands in the field of kind 1: size, stored size, place, in this order.
        var more = ByteCursor(fields, place: cursor.place)
        while more.position < fields.endIndex {
            let (kind, length) = (try more.size(2), try more.size(2))
            var field = ByteCursor(try more.take(length), place: cursor.place)
            guard kind == 1 else { continue }
            if size == 0xFFFF_FFFF { size = try field.size(8) }
            if stored == 0xFFFF_FFFF { stored = try field.size(8) }
            if start == 0xFFFF_FFFF { start = try field.size(8) }
        }
        guard method == 0, flags & 1 == 0, stored == size else {
            throw InteropError(
                .refused,
                "\(cursor.place), entry '\(printable(text, limit: 60))': expected stored bytes, as torch.save "
                    + "writes them, found a compressed or encrypted entry; save it with torch.save")
        }
        return (Name(text), start, size)
    }
}
