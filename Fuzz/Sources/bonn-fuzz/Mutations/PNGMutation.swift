import BONNTestSupport

/// Changes PNG files and repairs what hides the change from the decoder: the checksums of chunks.
enum PNGMutation {
    static func mutate(
        _ bytes: [UInt8], capacity: Int, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        var chunks = split(bytes)
        guard chunks.count > 1, !generator.oneIn(4) else {
            return repaired(changedByLibFuzzer(bytes, capacity: capacity))
        }
        let index = generator.integer(1...chunks.count - 1)
        switch generator.integer(0...7) {
        case 0: chunks.remove(at: index)
        case 1: chunks.insert(chunks[index], at: generator.integer(1...chunks.count))
        case 2: chunks.swapAt(index, generator.integer(1...chunks.count - 1))
        default:
            let room = max(1, capacity - bytes.count) + chunks[index].count
            // All but the length, which is set again.
            let changed = changedByLibFuzzer(chunks[index].dropFirst(4), capacity: room)
            chunks[index] = chunks[index].prefix(4) + changed
            setLength(&chunks[index])
        }
        return repaired(Array(chunks.joined()))
    }

    /// A chunk with the length and the checksum that it should have.
    static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + content
        return Array(bigEndian(UInt32(content.count))) + body + bigEndian(crc32(body[...]))
    }

    /// The signature, and the chunks: length, name, data, checksum.
    private static func split(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var parts = [bytes.prefix(8)]
        var rest = bytes.dropFirst(8)
        while rest.count >= 12 {
            let length = number(rest.prefix(4))
            let size = min(rest.count, 12 + length)
            parts.append(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        if !rest.isEmpty { parts.append(rest) }
        return parts
    }

    private static func setLength(_ chunk: inout ArraySlice<UInt8>) {
        guard chunk.count >= 12 else { return }
        chunk = bigEndian(UInt32(chunk.count - 12)) + chunk.dropFirst(4)
    }

    /// The same chunks with the checksums that they should have.
    private static func repaired(_ bytes: [UInt8]) -> [UInt8] {
        let chunks = split(bytes).enumerated().map { index, chunk in
            guard index > 0, chunk.count >= 12 else { return chunk }
            return chunk.dropLast(4) + bigEndian(crc32(chunk.dropFirst(4).dropLast(4)))
        }
        return Array(chunks.joined())
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }

    private static func bigEndian(_ value: UInt32) -> ArraySlice<UInt8> {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }[...]
    }

    private static func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in
                crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0)
            }
        }
    }
}
