import Testing

@testable import BONNInterop

/// Archives whose headers lie.
@Suite struct ZipHostileTests {
    private typealias Bytes = CheckpointBytes
    private typealias End = CheckpointBytes.End
    private typealias Entry = CheckpointBytes.Entry

    private static let pickle = Bytes.pickle(
        Bytes.tensor(Bytes.storage(count: 4), shape: [4], strides: [1]))
    private static let floats = [UInt8](repeating: 1, count: 16)

    /// A right archive after a change of its entries (0: the pickle, 1: the storage) or of its end.
    private static func file(
        _ change: (inout [CheckpointBytes.Entry], inout CheckpointBytes.End) -> Void = { _, _ in }
    ) -> [UInt8] {
        var entries = [Entry("a/data.pkl", pickle), Entry("a/data/0", floats)]
        var end = End()
        change(&entries, &end)
        return Bytes.zip(entries, end: end)
    }

    /// Where the 64-bit end of directory would lie: behind the directory of the right archive.
    private static let behind = file().count - 22

    private static func wide(count: Int, start: Int) -> [UInt8] {
        [0x50, 0x4B, 6, 6] + Bytes.number(44, 8) + Bytes.number(0, 12) + Bytes.number(count, 8)
            + Bytes.number(count, 8) + Bytes.number(0, 8) + Bytes.number(start, 8)
    }

    private static func locator(_ place: Int) -> [UInt8] {
        [0x50, 0x4B, 6, 7] + Bytes.number(0, 4) + Bytes.number(place, 8) + Bytes.number(1, 4)
    }

    static let directories: [HostileCase] = [
        HostileCase("no entries", file { $1.count = 0 }, "found 0"),
        HostileCase("an entry too many", file { $1.count = 3 }, "expected a header"),
        HostileCase("the most entries", file { $1.count = 0xFFFF }, "found 65535"),
        HostileCase(
            "a directory behind the end", file { $1.start = 1 << 20 }, "expected 1048576 more bytes"
        ),
        HostileCase("a directory elsewhere", file { $1.start = 0 }, "expected a header"),
        HostileCase(
            "a comment that is not there", file { $1.commentSize = 9 }, "expected a comment of 0"),
        HostileCase("bytes behind the end", file() + [0, 0, 0], "expected a comment of 3"),
        HostileCase(
            "a second end in the comment",
            file { $1.comment = [0x50, 0x4B, 5, 6] + Bytes.number(0, 18) }, "found 0"),
        HostileCase(
            "half an end in the comment",
            file { $1.comment = [0x50, 0x4B, 5, 6] + [UInt8](repeating: 0xFF, count: 40) },
            "expected a comment of 22"),
        HostileCase("no end", Array(file().dropLast(22)), "expected the directory"),
        HostileCase(
            "an archive in an archive",
            Bytes.zip([Entry("a/data.pkl", file()), Entry("a/data/0", floats)]), "which is not read"
        ),
        HostileCase(
            "wide: a place behind the end", file { $1.before = locator(1 << 40) },
            "expected 1099511627776 more bytes"),
        HostileCase(
            "wide: a place of 2^63", file { $1.before = locator(.min) },
            "expected a size of at most"),
        HostileCase(
            "wide: a place of something else", file { $1.before = locator(0) }, "expected a header"),
        HostileCase(
            "wide: 2^62 entries",
            file { $1.before = wide(count: 1 << 62, start: 0) + locator(behind) },
            "found 4611686018427387904"),
        HostileCase(
            "wide: 2^64 - 1 entries",
            file { $1.before = wide(count: -1, start: 0) + locator(behind) },
            "expected a size of at most"),
        HostileCase(
            "wide: no entries", file { $1.before = wide(count: 0, start: 0) + locator(behind) },
            "found 0"),
        HostileCase(
            "wide: a directory of 2^63 - 1",
            file { $1.before = wide(count: 2, start: .max) + locator(behind) },
            "expected 9223372036854775807 more"),
    ]

    static let entries: [HostileCase] = [
        HostileCase("compressed", file { entries, _ in entries[1].method = 8 }, "compressed"),
        HostileCase("encrypted", file { entries, _ in entries[1].flags = 1 }, "encrypted"),
        HostileCase(
            "another stored size", file { entries, _ in entries[1].storedSize = 15 }, "compressed"),
        HostileCase("twice", file { entries, _ in entries.append(entries[1]) }, "twice"),
        HostileCase(
            "two pickles", file { entries, _ in entries.append(Entry("b/data.pkl", pickle)) },
            "found 2"),
        HostileCase(
            "another name in its own header",
            file { entries, _ in entries[1].localName = "a/data/1" }, "another name"),
        HostileCase(
            "a name of other length in its own header",
            file { entries, _ in entries[1].localName = "a/data/00" }, "another name"),
        HostileCase(
            "no header at its place", file { entries, _ in entries[1].start = 1 },
            "expected a header"),
        HostileCase(
            "a place behind the end", file { entries, _ in entries[1].start = 1 << 30 },
            "expected 1073741824 more bytes"),
        HostileCase(
            "the place of the pickle", file { entries, _ in entries[1].start = 0 }, "another name"),
        HostileCase(
            "a size into the next entry",
            file { entries, _ in entries[0].size = pickle.count + 30 }, "overlaps"),
        HostileCase(
            "a size into the directory", file { entries, _ in entries[1].size = 17 }, "overlaps"),
        HostileCase(
            "a size behind the end", file { entries, _ in entries[1].size = 1 << 20 },
            "expected 1048576 more bytes"),
        HostileCase(
            "a size below the storage", file { entries, _ in entries[1].size = 15 },
            "expected a storage of 4"),
        HostileCase(
            "wide without its field", file { entries, _ in entries[1].size = 0xFFFF_FFFF },
            "expected 4294967295 more bytes"),
        HostileCase(
            "wide with 2^63 - 1",
            file { entries, _ in
                entries[1].size = 0xFFFF_FFFF;
                entries[1].extra = [1, 0, 16, 0] + Bytes.number(.max, 8) + Bytes.number(.max, 8)
            }, "expected 9223372036854775807 more"),
        HostileCase(
            "wide with 2^63",
            file { entries, _ in
                entries[1].size = 0xFFFF_FFFF;
                entries[1].extra = [1, 0, 16, 0] + Bytes.number(.min, 8) + Bytes.number(.min, 8)
            }, "expected a size of at most"),
        HostileCase(
            "wide with too short a field",
            file { entries, _ in
                entries[1].size = 0xFFFF_FFFF;
                entries[1].extra = [1, 0, 4, 0] + Bytes.number(16, 4)
            }, "expected 8 more bytes"),
        HostileCase(
            "a field longer than the fields",
            file { entries, _ in entries[1].extra = [1, 0, 255, 255] }, "expected 65535 more bytes"),
        HostileCase(
            "half a field", file { entries, _ in entries[1].extra = [1, 0, 0] },
            "expected 2 more bytes"),
        HostileCase(
            "above its folder", file { entries, _ in entries[1].name = "a/../a/data/0" },
            "expected a storage of 4"),
        HostileCase(
            "an absolute name", file { entries, _ in entries[1].name = "/a/data/0" },
            "expected a storage of 4"),
        HostileCase(
            "a zero in its name", file { entries, _ in entries[1].name = "a/data/0\0" },
            "expected a storage of 4"),
        HostileCase(
            "in the folder of another", file { entries, _ in entries[1].name = "b/data/0" },
            "expected a storage of 4"),
        HostileCase(
            "a name for a terminal",
            file { entries, _ in
                entries[1].name = "\u{1B}]0;x\u{7}"; entries[1].method = 8
            }, #"'\u{1b}]0;x\u{7}'"#),
        HostileCase(
            "a long name",
            file { entries, _ in
                entries[1].name = String(repeating: "n", count: 60_000); entries[1].method = 8
            }, "nnn...'"),
        HostileCase(
            "big-endian",
            file { entries, _ in entries.append(Entry("a/byteorder", Array("big".utf8))) },
            "big-endian"),
        HostileCase(
            "a pickle without a folder", file { entries, _ in entries[0].name = "data.pkl" },
            "found 0"),
    ]

    @Test func `archives that lie are refused`() {
        for hostile in Self.directories + Self.entries { hostile.expectRefusal() }
    }

    @Test func `the archive that the others are changed from is read, with a comment too`() throws {
        for file in [Self.file(), Self.file { $1.comment = Array("PK\u{5} and more".utf8) }] {
            #expect(try Checkpoint(file, place: "right").entries.map(\.shape) == [[4]])
        }
    }

    @Test
    func `a right archive is refused when cut at any byte, and never traps when a byte is another`()
    {
        HostileCase.expectDamageToBeNoticed(Self.file(), "zip")
    }
}
