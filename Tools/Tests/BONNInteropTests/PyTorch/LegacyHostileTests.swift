import Testing

@testable import BONNInterop

/// Files of the format before PyTorch 1.6 that lie.
@Suite struct LegacyHostileTests {
    private typealias Bytes = CheckpointBytes

    private static let pickle = Bytes.pickle(
        Bytes.tensor(Bytes.storage(count: 4, isLegacy: true), shape: [4], strides: [1]))
    private static let floats = [UInt8](repeating: 1, count: 16)

    private static func file(
        magic: [UInt8] = CheckpointBytes.magic, version: Int = 1001,
        facts: [UInt8] = CheckpointBytes.dictionary([("little_endian", [0x88])]),
        pickle: [UInt8] = pickle, key: String = "0", count: Int = 4, bytes: [UInt8] = floats
    ) -> [UInt8] {
        Bytes.legacy(
            magic: magic, version: version, facts: facts, pickle: pickle,
            storages: [(key: key, count: count, bytes: bytes)])
    }

    /// A file with these operations where the keys of the storages are.
    private static func file(keys: [UInt8]) -> [UInt8] {
        let emptyList = 6
        let heads: [UInt8] = Bytes.legacy(pickle: pickle, storages: []).dropLast(emptyList)
        return heads + Bytes.begin + keys + Bytes.stop + Bytes.number(4, 8) + floats
    }

    static let files: [HostileCase] = [
        HostileCase(
            "another magic number", file(magic: Bytes.magic.dropLast() + [0x51]), "magic number"),
        HostileCase("a short magic number", file(magic: Bytes.int(0x1950)), "magic number"),
        HostileCase("a magic text", file(magic: Bytes.text("PyTorch")), "magic number"),
        HostileCase("another protocol", [0x80, 4] + file().dropFirst(2), "protocol 4"),
        HostileCase("no pickle", [UInt8](repeating: 0, count: 100), "magic number"),
        HostileCase("an empty file", [], "magic number"),
        HostileCase("version 1000", file(version: 1000), "version 1001"),
        HostileCase("a negative version", file(version: -1001), "version 1001"),
        HostileCase("the largest version", file(version: .max), "version 1001"),
        HostileCase(
            "big-endian", file(facts: Bytes.dictionary([("little_endian", [0x89])])), "big-endian"),
        HostileCase(
            "facts that are called", file(facts: Bytes.global("os", "uname") + [0x29, 0x52]),
            "os.uname"),
        HostileCase(
            "a magic number that is called",
            file(magic: Bytes.global("os", "abort") + [0x29, 0x52]), "os.abort"),
        HostileCase(
            "keys that are called", file(keys: Bytes.global("os", "abort") + [0x29, 0x52]),
            "os.abort"),
        HostileCase(
            "keys in a tuple", file(keys: Bytes.tuple([Bytes.text("0")])), "expected a list"),
        HostileCase("a key for keys", file(keys: Bytes.text("0")), "expected a list"),
        HostileCase("no keys", file(keys: [0x5D]), "expected a storage of 4"),
        HostileCase(
            "a number as a key", file(keys: [0x5D] + Bytes.int(0) + [0x61]), "found another one"),
        HostileCase(
            "a list that is its own key", file(keys: [0x5D, 0x71, 0, 0x68, 0, 0x61]),
            "found another one"),
        HostileCase("another key", file(key: "1"), "found another one"),
        HostileCase("a key and more", file(key: "0\0"), "found another one"),
        HostileCase(
            "a storage that is listed twice",
            Bytes.legacy(
                pickle: pickle,
                storages: [
                    (key: "0", count: 4, bytes: floats), (key: "0", count: 4, bytes: floats),
                ]),
            "found '0' twice"),
        HostileCase("a smaller storage", file(count: 3), "expected a storage of 4"),
        HostileCase("a larger storage", file(count: 5), "expected 20 more bytes"),
        HostileCase("a storage of 2^60", file(count: 1 << 60), "more bytes"),
        HostileCase("bytes that overflow to 16", file(count: 1 << 62 | 4), "more bytes"),
        HostileCase("a storage of 2^63", file(count: .min), "expected a size of at most"),
        HostileCase("a storage of 2^64 - 1", file(count: -1), "expected a size of at most"),
        HostileCase("no elements behind", file(bytes: []), "expected 16 more bytes"),
        HostileCase(
            "a list as the object", file(pickle: Bytes.begin + [0x5D] + Bytes.stop),
            "found another one"),
    ]

    @Test func `files of the older format that lie are refused`() {
        for hostile in Self.files { hostile.expectRefusal() }
    }

    @Test func `the right file is read, refused when cut at any byte, and never traps`() throws {
        let whole = Self.file()
        #expect(try Checkpoint(whole, place: "right").entries.map(\.shape) == [[4]])
        HostileCase.expectDamageToBeNoticed(whole, "legacy")
    }
}
