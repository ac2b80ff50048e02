import BONNModelFormat

/// One message of protocol buffers, field by field; the layout stands at `ProtobufWriter`.
///
/// A message is a range of the file: one inside of another lies inside of its range, and nothing is copied. Nothing
/// here calls itself; how deep messages go is decided by who reads them, by their types.
struct ProtobufReader {
    /// A field: its number, what stands there, and where, for messages.
    struct Field {
        let number: Int
        let value: Value
        let place: String
    }

    /// What a field holds, by its wire type.
    enum Value {
        /// Type 0.
        case varint(UInt64)
        /// Type 1, eight bytes.
        case fixed64(UInt64)
        /// Type 2: text, data or a message.
        case bytes(Range<Int>)
        /// Type 5, four bytes.
        case fixed32(UInt32)
    }

    private let bytes: [UInt8]
    private var position: Int
    private let end: Int
    private let place: String

    /// A message that fills a range of a file.
    init(_ bytes: [UInt8], _ range: Range<Int>, place: String) {
        self.bytes = bytes
        self.place = place
        position = range.lowerBound
        end = range.upperBound
    }

    /// The next field; nil at the end of the message.
    mutating func next() throws(InteropError) -> Field? {
        guard position < end else { return nil }
        let start = position
        let key = try varint()
        guard let number = Int(exactly: key >> 3), (1...0x1FFF_FFFF).contains(number) else {
            throw damaged(start, "a field of number 1 to 536870911", "\(key >> 3)")
        }
        let value: Value
        switch key & 7 {
        case 0: value = .varint(try varint())
        case 1: value = .fixed64(try number64(8))
        case 2:
            let count = try varint()
            guard count <= UInt64(end - position) else {
                throw damaged(
                    start,
                    "a field of at most the \(end - position) bytes that its message still has",
                    "\(count)")
            }
            value = .bytes(position..<position + Int(count))
            position += Int(count)
        case 5: value = .fixed32(UInt32(truncatingIfNeeded: try number64(4)))
        default: throw damaged(start, "a field of wire type 0, 1, 2 or 5", "\(key & 7)")
        }
        return Field(number: number, value: value, place: "\(place), byte \(start)")
    }

    /// Seven bits a byte, at most 64 in all.
    private mutating func varint() throws(InteropError) -> UInt64 {
        let start = position
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while position < end {
            let byte = bytes[position]
            position += 1
            guard shift < 63 || byte <= 1 else { break }
            result |= UInt64(byte & 0x7F) << shift
            guard byte & 0x80 != 0 else { return result }
            shift += 7
        }
        throw damaged(
            start, "an integer of at most 64 bits in at most 10 bytes", "a longer or a cut one")
    }

    private mutating func number64(_ count: Int) throws(InteropError) -> UInt64 {
        guard count <= end - position else {
            throw damaged(position, "\(count) more bytes", "\(end - position)")
        }
        var result: UInt64 = 0
        for index in 0..<count { result |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        position += count
        return result
    }

    private func damaged(_ start: Int, _ expected: String, _ found: String) -> InteropError {
        InteropError(
            .malformed,
            "\(place), byte \(start): expected \(expected), found \(found); the file is cut or damaged, "
                + "copy it again")
    }

    // MARK: Fields that must be of a kind

    /// An integer.
    func integer(_ field: Field) throws(InteropError) -> Int {
        guard case .varint(let value) = field.value else { throw wrongKind(field, "an integer") }
        return Int(truncatingIfNeeded: Int64(bitPattern: value))
    }

    /// Text, data or a message.
    func range(_ field: Field) throws(InteropError) -> Range<Int> {
        guard case .bytes(let range) = field.value else {
            throw wrongKind(field, "bytes of a stated number")
        }
        return range
    }

    /// A message, to be read field by field.
    func message(_ field: Field) throws(InteropError) -> ProtobufReader {
        ProtobufReader(bytes, try range(field), place: place)
    }

    /// Text in UTF-8.
    func text(_ field: Field) throws(InteropError) -> String {
        guard let text = String(validating: bytes[try range(field)], as: UTF8.self) else {
            throw InteropError(
                .malformed, "\(field.place): expected UTF-8 text, found other bytes")
        }
        return text
    }

    /// Calls `take` with each integer of a repeated field, packed or one by one.
    func integers(
        _ field: Field, _ take: (Int) throws(InteropError) -> Void
    ) throws(InteropError) {
        guard case .bytes(let range) = field.value else { return try take(try integer(field)) }
        var packed = ProtobufReader(bytes, range, place: place)
        while packed.position < packed.end {
            try take(Int(truncatingIfNeeded: Int64(bitPattern: try packed.varint())))
        }
    }

    /// Calls `take` with the bits of each number of a repeated field of so many bytes each, packed or one by one.
    func numbers(
        _ field: Field, bytes count: Int, _ take: (UInt64) throws(InteropError) -> Void
    ) throws(InteropError) {
        switch field.value {
        case .fixed32(let bits) where count == 4: try take(UInt64(bits))
        case .fixed64(let bits) where count == 8: try take(bits)
        case .bytes(let range) where range.count % count == 0:
            var packed = ProtobufReader(bytes, range, place: place)
            while packed.position < packed.end { try take(try packed.number64(count)) }
        default: throw wrongKind(field, "numbers of \(count) bytes each")
        }
    }

    private func wrongKind(_ field: Field, _ expected: String) -> InteropError {
        InteropError(
            .malformed,
            "\(field.place), field \(field.number): expected \(expected), found another wire type or "
                + "length; the file is damaged")
    }
}
