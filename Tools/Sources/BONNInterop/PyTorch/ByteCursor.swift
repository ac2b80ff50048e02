/// Little-endian numbers of a file, read one behind the other; nothing is read beyond the end.
struct ByteCursor {
    let bytes: ArraySlice<UInt8>
    /// The index of the next byte.
    var position: Int
    /// What is read, for messages.
    let place: String

    init(_ bytes: ArraySlice<UInt8>, place: String) {
        self.bytes = bytes
        self.place = place
        position = bytes.startIndex
    }

    /// Where the next byte lies, counted from the first.
    var offset: Int { position - bytes.startIndex }

    /// The next bytes.
    mutating func take(_ count: Int) throws(InteropError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.endIndex - position else {
            throw InteropError(
                .malformed,
                "\(place), byte \(offset): expected \(count) more bytes, found "
                    + "\(bytes.endIndex - position); the file is cut or damaged, copy it again")
        }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// The next byte.
    mutating func byte() throws(InteropError) -> UInt8 {
        let one = try take(1)
        return one[one.startIndex]
    }

    /// An unsigned number of up to eight bytes.
    mutating func number(_ count: Int) throws(InteropError) -> UInt64 {
        var result: UInt64 = 0
        for (index, byte) in try take(count).enumerated() {
            result |= UInt64(byte) << UInt64(8 * index)
        }
        return result
    }

    /// An unsigned number of up to eight bytes that counts or places bytes of the file.
    mutating func size(_ count: Int) throws(InteropError) -> Int {
        let start = offset
        guard let size = Int(exactly: try number(count)) else {
            throw InteropError(
                .malformed,
                "\(place), byte \(start): expected a size of at most \(bytes.count) bytes, found a "
                    + "larger one; the file is damaged")
        }
        return size
    }

    /// The text of so many bytes of UTF-8.
    mutating func text(_ count: Int) throws(InteropError) -> String {
        let start = offset
        guard let text = String(validating: try take(count), as: UTF8.self) else {
            throw InteropError(
                .malformed, "\(place), byte \(start): expected UTF-8 text, found other bytes")
        }
        return text
    }

    /// The text up to a line feed, which is read too.
    mutating func line() throws(InteropError) -> String {
        guard let end = bytes[position...].firstIndex(of: 0x0A) else {
            throw InteropError(
                .malformed, "\(place), byte \(offset): expected a line, found the end of the file")
        }
        let line = try text(end - position)
        position = end + 1
        return line
    }
}
