/// Files of torch.save from their parts, right ones and ones that lie.
enum CheckpointBytes {
    /// A little-endian number.
    static func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    // MARK: Pickles

    /// The beginning of a pickle of protocol 2.
    static let begin: [UInt8] = [0x80, 2]
    static let stop: [UInt8] = [0x2E]

    /// BINUNICODE.
    static func text(_ text: String) -> [UInt8] {
        [0x58] + number(text.utf8.count, 4) + text.utf8
    }

    /// LONG1 of eight bytes.
    static func int(_ value: Int) -> [UInt8] { [0x8A, 8] + number(value, 8) }

    /// GLOBAL.
    static func global(_ module: String, _ name: String) -> [UInt8] {
        Array("c\(module)\n\(name)\n".utf8)
    }

    /// MARK, values, TUPLE.
    static func tuple(_ values: [[UInt8]]) -> [UInt8] { [0x28] + values.flatMap(\.self) + [0x74] }

    /// EMPTY_DICT, MARK, keys and values, SETITEMS.
    static func dictionary(_ pairs: [(String, [UInt8])]) -> [UInt8] {
        [0x7D, 0x28] + pairs.flatMap { text($0) + $1 } + [0x75]
    }

    /// BINPERSID of a storage; in the older format with a view behind it, which is none.
    static func storage(
        _ key: String = "0", type: String = "FloatStorage", count: Int, isLegacy: Bool = false
    ) -> [UInt8] {
        let values = [text("storage"), global("torch", type), text(key), text("cpu"), int(count)]
        return tuple(values + (isLegacy ? [[0x4E]] : [])) + [0x51]
    }

    /// A call that makes a tensor.
    static func tensor(
        _ storage: [UInt8], offset: Int = 0, shape: [Int], strides: [Int]
    ) -> [UInt8] {
        global("torch._utils", "_rebuild_tensor_v2")
            + tuple([
                storage, int(offset), tuple(shape.map(int)), tuple(strides.map(int)), [0x89],
                global("collections", "OrderedDict") + [0x29, 0x52],
            ]) + [0x52]
    }

    /// A pickle of a dictionary of one tensor 'w'.
    static func pickle(_ tensor: [UInt8]) -> [UInt8] {
        begin + dictionary([("w", tensor)]) + stop
    }

    // MARK: The zip format

    /// An entry, and what the headers say of it.
    struct Entry {
        var name: String
        var data: [UInt8]
        /// In the local header.
        var localName: String?
        var flags = 0
        var method = 0
        /// As the directory says it.
        var size: Int?
        var storedSize: Int?
        var start: Int?
        var extra: [UInt8] = []

        init(_ name: String, _ data: [UInt8]) {
            self.name = name
            self.data = data
        }
    }

    /// What stands at the end of an archive.
    struct End {
        var count: Int?
        var start: Int?
        var comment: [UInt8] = []
        var commentSize: Int?
        /// Between the directory and its end.
        var before: [UInt8] = []
    }

    static func zip(_ entries: [Entry], end: End = End()) -> [UInt8] {
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            let (start, local) = (bytes.count, Array((entry.localName ?? entry.name).utf8))
            bytes += [0x50, 0x4B, 3, 4] + number(20, 2) + number(entry.flags, 2)
            bytes += number(entry.method, 2) + number(0, 8) + number(entry.data.count, 4)
            bytes += number(entry.data.count, 4) + number(local.count, 2) + number(0, 2) + local
            bytes += entry.data
            let size = entry.size ?? entry.data.count
            directory +=
                [0x50, 0x4B, 1, 2] + number(20, 2) + number(20, 2) + number(entry.flags, 2)
            directory += number(entry.method, 2) + number(0, 8)
            directory += number(entry.storedSize ?? size, 4) + number(size, 4)
            directory += number(entry.name.utf8.count, 2) + number(entry.extra.count, 2)
            directory += number(0, 10) + number(entry.start ?? start, 4) + entry.name.utf8
            directory += entry.extra
        }
        let start = bytes.count
        bytes += directory + end.before + [0x50, 0x4B, 5, 6] + number(0, 4)
        bytes += number(end.count ?? entries.count, 2) + number(end.count ?? entries.count, 2)
        bytes += number(directory.count, 4) + number(end.start ?? start, 4)
        return bytes + number(end.commentSize ?? end.comment.count, 2) + end.comment
    }

    /// An archive of a pickle and of storages "0", "1" and so on.
    static func zip(pickle: [UInt8], storages: [[UInt8]]) -> [UInt8] {
        zip(
            [Entry("a/data.pkl", pickle)]
                + storages.enumerated().map { Entry("a/data/\($0.offset)", $0.element) })
    }

    // MARK: The format before PyTorch 1.6

    static let magic: [UInt8] = [
        0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
    ]

    /// - Parameter storages: keys, the numbers of elements that the file says, and bytes.
    static func legacy(
        magic: [UInt8] = CheckpointBytes.magic, version: Int = 1001,
        facts: [UInt8] = dictionary([("little_endian", [0x88])]), pickle: [UInt8],
        storages: [(key: String, count: Int, bytes: [UInt8])]
    ) -> [UInt8] {
        let heads = [magic, int(version), facts].flatMap { begin + $0 + stop }
        let keys = begin + [0x5D, 0x28] + storages.flatMap { text($0.key) } + [0x65] + stop
        return heads + pickle + keys + storages.flatMap { number($0.count, 8) + $0.bytes }
    }
}
