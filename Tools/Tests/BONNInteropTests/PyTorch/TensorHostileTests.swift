import BONNModelFormat
import Testing

@testable import BONNInterop

/// Tensors and storages that lie about their sizes.
@Suite struct TensorHostileTests {
    private typealias Bytes = CheckpointBytes

    /// A file with four elements, of which a tensor is made.
    private static func file(_ tensor: [UInt8]) -> [UInt8] {
        Bytes.zip(pickle: Bytes.pickle(tensor), storages: [[UInt8](repeating: 1, count: 16)])
    }

    private static func tensor(
        count: Int = 4, offset: Int = 0, _ shape: [Int], _ strides: [Int]
    ) -> [UInt8] {
        file(
            Bytes.tensor(
                Bytes.storage(count: count), offset: offset, shape: shape, strides: strides))
    }

    private static let ones = [Int](repeating: 1, count: 17)

    static let tensors: [HostileCase] = [
        HostileCase("a negative size", tensor([-1], [1]), "unknown form"),
        HostileCase("two negative sizes", tensor([-2, -2], [2, 1]), "unknown form"),
        HostileCase("the least size", tensor([.min], [1]), "unknown form"),
        HostileCase("a negative stride", tensor(offset: 3, [4], [-1]), "unknown form"),
        HostileCase("a negative offset", tensor(offset: -1, [1], [1]), "unknown form"),
        HostileCase(
            "a size of 2^71",
            file(
                Bytes.tensor(Bytes.storage(count: 4), shape: [1], strides: [1]).replacing(
                    Bytes.int(0), with: [0x8A, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0x40])), "unknown form"),
        HostileCase("fewer strides than sizes", tensor([2, 2], [1]), "unknown form"),
        HostileCase("17 dimensions", tensor(ones, ones), "unknown form"),
        HostileCase("one element too many", tensor([5], [1]), "within"),
        HostileCase("an offset at the end", tensor(offset: 4, [1], [1]), "within"),
        HostileCase("an offset beyond the end of nothing", tensor(offset: 5, [0], [1]), "within"),
        HostileCase("the largest offset", tensor(offset: .max, [2], [1]), "within"),
        HostileCase("a scalar beyond the end", tensor(offset: 4, [], []), "within"),
        HostileCase("a stride beyond the end", tensor([2], [4]), "within"),
        HostileCase("the largest stride", tensor([2], [.max]), "within"),
        HostileCase("a reach that overflows", tensor([3], [.max]), "within"),
        HostileCase("a sum of reaches that overflows", tensor([2, 2], [.max, .max]), "within"),
        HostileCase(
            "a product that overflows to 0", tensor([1 << 32, 1 << 32], [0, 0]), "within"),
        HostileCase(
            "a product that overflows to 4", tensor([(1 << 62) + 1, 4], [0, 0]), "within"),
        HostileCase(
            "nothing beside a product that overflows", tensor([1 << 62, 4, 0], [0, 0, 0]), "within"),
        HostileCase("a terabyte of one element", tensor([1 << 38], [0]), "within"),
        HostileCase("five of one element", tensor([5], [0]), "within"),
        HostileCase("windows that overlap", tensor([3, 2], [1, 1]), "within"),
        HostileCase(
            "a storage larger than the file", tensor(count: 1_000, [1_000], [1]),
            "expected a storage of 1000"),
        HostileCase(
            "a storage of 2^63 - 1", tensor(count: .max, [1], [1]), "expected a storage of"),
        HostileCase(
            "elements that are wider than it says",
            file(
                Bytes.tensor(
                    Bytes.storage(type: "DoubleStorage", count: 4), shape: [4], strides: [1])),
            "expected a storage of 4"),
        HostileCase(
            "a storage that is not there",
            file(Bytes.tensor(Bytes.storage("1", count: 4), shape: [4], strides: [1])),
            "expected a storage of 4"),
        HostileCase(
            "a storage elsewhere",
            file(Bytes.tensor(Bytes.storage("../data/0", count: 4), shape: [4], strides: [1])),
            "expected a storage of 4"),
        HostileCase(
            "a storage with a zero behind its name",
            file(Bytes.tensor(Bytes.storage("0\0", count: 4), shape: [4], strides: [1])),
            "expected a storage of 4"),
        HostileCase(
            "a tensor of a text", file(Bytes.tensor(Bytes.text("0"), shape: [4], strides: [1])),
            "unknown form"),
        HostileCase(
            "a tensor of a tensor",
            file(
                Bytes.tensor(
                    Bytes.tensor(Bytes.storage(count: 4), shape: [4], strides: [1]), shape: [4],
                    strides: [1])), "unknown form"),
    ]

    static let storages: [HostileCase] =
        [
            ("a negative count", Bytes.storage(count: -1), "no storage"),
            ("no tuple", Bytes.text("0") + [0x51], "no storage"),
            ("an empty tuple", [0x29, 0x51], "no storage"),
            (
                "four values",
                Bytes.tuple([
                    Bytes.text("storage"), Bytes.global("torch", "FloatStorage"), Bytes.text("0"),
                    Bytes.text("cpu"),
                ]) + [0x51], "no storage"
            ),
            (
                "another word",
                Bytes.tuple([
                    Bytes.text("module"), Bytes.global("torch", "FloatStorage"), Bytes.text("0"),
                    Bytes.text("cpu"), Bytes.int(4),
                ]) + [0x51], "no storage"
            ),
            (
                "a number as its key",
                Bytes.tuple([
                    Bytes.text("storage"), Bytes.global("torch", "FloatStorage"), Bytes.int(0),
                    Bytes.text("cpu"), Bytes.int(4),
                ]) + [0x51], "no storage"
            ),
            (
                "a text as its class",
                Bytes.tuple([
                    Bytes.text("storage"), Bytes.text("torch.FloatStorage"), Bytes.text("0"),
                    Bytes.text("cpu"), Bytes.int(4),
                ]) + [0x51], "no storage"
            ),
            (
                "a view",
                Bytes.tuple([
                    Bytes.text("storage"), Bytes.global("torch", "FloatStorage"), Bytes.text("0"),
                    Bytes.text("cpu"), Bytes.int(4), Bytes.int(1),
                ]) + [0x51], "a view"
            ),
            ("quantized", Bytes.storage(type: "QInt8Storage", count: 4), "'torch.QInt8Storage'"),
            (
                "complex", Bytes.storage(type: "ComplexFloatStorage", count: 4),
                "'torch.ComplexFloatStorage'"
            ),
            ("untyped", Bytes.storage(type: "storage.UntypedStorage", count: 4), "UntypedStorage'"),
        ].map { HostileCase("a storage: \($0.0)", file($0.1), $0.2) }

    @Test func `tensors that lie are refused`() {
        for hostile in Self.tensors + Self.storages { hostile.expectRefusal() }
    }

    @Test func `a stride that is never taken may be any number`() throws {
        // torch writes such strides; adding one to the offset would be too large a number.
        let floats: [UInt8] = [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]
        let tensor = Bytes.tensor(
            Bytes.storage(count: 2), offset: 1, shape: [1, 1], strides: [.max, .max])
        let file = Bytes.zip(pickle: Bytes.pickle(tensor), storages: [floats])
        let checkpoint = try Checkpoint(file, place: "strides")
        #expect(checkpoint.entries.map { checkpoint.floats($0) } == [[2]])
    }

    @Test func `no elements beside dimensions whose product overflows are none`() throws {
        // safetensors allows it.
        let file = try Safetensors.write(
            tensors: [
                Safetensors.Tensor(
                    name: "w", elementType: .f32, shape: [1 << 40, 1 << 40, 0], bytes: [])
            ], digest: false)
        let checkpoint = try Checkpoint(file, place: "empty")
        #expect(checkpoint.entries.map { checkpoint.floats($0) } == [[]])
    }
}
