/// One message of protocol buffers, field by field.
///
/// A field is a key, `number << 3 | type`, and a value: type 0 a varint (7 bits a byte, least significant
/// first, the top bit set where more follow), type 2 a length and so many bytes: text, or a message. Repeated
/// fields are written one by one.
///
/// Source: https://protobuf.dev/programming-guides/encoding
struct ProtobufWriter {
    /// What was written.
    private(set) var bytes: [UInt8] = []

    /// An integer; a negative one has ten bytes.
    mutating func integer(_ field: Int, _ value: Int) {
        varint(UInt64(field) << 3)
        varint(UInt64(bitPattern: Int64(value)))
    }

    /// Text or data.
    mutating func data(_ field: Int, _ data: some Collection<UInt8>) {
        varint(UInt64(field) << 3 | 2)
        varint(UInt64(data.count))
        bytes.append(contentsOf: data)
    }

    /// Text.
    mutating func text(_ field: Int, _ text: String) { data(field, text.utf8) }

    /// A message inside of this one.
    mutating func message(_ field: Int, _ fill: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        fill(&inner)
        data(field, inner.bytes)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
