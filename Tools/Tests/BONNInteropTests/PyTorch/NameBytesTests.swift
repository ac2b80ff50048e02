import BONNModelFormat
import Testing

@testable import BONNInterop

/// Names are the same where their bytes are, and not where Unicode calls texts equivalent.
@Suite struct NameBytesTests {
    private typealias Bytes = CheckpointBytes

    /// One letter as one scalar, and as a letter with a mark.
    private static let names = ["\u{E9}", "e\u{301}"]

    /// Four numbers.
    private static func floats(_ value: Float) -> [UInt8] {
        (0..<4).flatMap { _ in Bytes.number(Int(value.bitPattern), 4) }
    }

    /// A dictionary of two tensors, both of which are called as their storages are, behind a prefix.
    private static func pickle(prefix: String = "", keys: [String], isLegacy: Bool) -> [UInt8] {
        Bytes.begin
            + Bytes.dictionary(
                keys.map {
                    let storage = Bytes.storage($0, count: 4, isLegacy: isLegacy)
                    return (prefix + $0, Bytes.tensor(storage, shape: [4], strides: [1]))
                }) + Bytes.stop
    }

    private func expect(_ file: [UInt8], _ keys: [String]) throws {
        let checkpoint = try Checkpoint(file, place: "names")
        #expect(checkpoint.entries.map(\.name) == keys.map { Name($0) })
        for (index, entry) in checkpoint.entries.enumerated() {
            #expect(checkpoint.floats(entry) == [Float](repeating: Float(index + 1), count: 4))
        }
    }

    @Test func `storages and tensors whose names only look the same are two`() throws {
        let data = [Self.floats(1), Self.floats(2)]
        try expect(
            Bytes.zip(
                [Bytes.Entry("a/data.pkl", Self.pickle(keys: Self.names, isLegacy: false))]
                    + zip(Self.names, data).map { Bytes.Entry("a/data/\($0)", $1) }), Self.names)
        try expect(
            Bytes.legacy(
                pickle: Self.pickle(keys: Self.names, isLegacy: true),
                storages: zip(Self.names, data).map { (key: $0, count: 4, bytes: $1) }), Self.names)
    }

    @Test func `a mark behind a separator is a part of the name behind it`() throws {
        let keys = ["\u{301}x", "\u{327}"]
        let data = [Self.floats(1), Self.floats(2)]
        try expect(
            Bytes.zip(
                [
                    Bytes.Entry(
                        "e\u{301}/data.pkl",
                        Self.pickle(prefix: "module.", keys: keys, isLegacy: false))
                ] + zip(keys, data).map { Bytes.Entry("e\u{301}/data/\($0)", $1) }), keys)
    }

    @Test func `a folder that only looks the same is another one`() {
        let file = Bytes.zip([
            Bytes.Entry("\u{E9}/data.pkl", Self.pickle(keys: ["0"], isLegacy: false)),
            Bytes.Entry("e\u{301}/data/0", Self.floats(1)),
        ])
        let error = #expect(throws: InteropError.self) { try Checkpoint(file, place: "names") }
        #expect(error?.message.contains("expected a storage of 4 elements") == true)
    }
}
