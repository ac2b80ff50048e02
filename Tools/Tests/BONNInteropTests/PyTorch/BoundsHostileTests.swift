import Testing

@testable import BONNInterop

/// What a pickle of a megabyte may cost.
///
/// Memory is counted, not measured: other tests run beside these. Seconds are for a debug build on a busy
/// machine; what they are to catch takes minutes.
@Suite struct BoundsHostileTests {
    private typealias Bytes = CheckpointBytes

    private static let megabyte = 1 << 20
    private static let seconds = Duration.seconds(30)

    /// Fills a pickle up to a size.
    private static func pickle(
        _ begin: [UInt8], fill: [UInt8], size: Int = megabyte
    ) -> [UInt8] {
        Bytes.begin + begin + fill.repeated((size - begin.count) / fill.count) + Bytes.stop
    }

    /// Arguments of a tensor of so many dimensions as memo 2, the function as memo 1.
    private static func tensorParts(dimensions: Int) -> [UInt8] {
        let sizes = Bytes.tuple(Array(repeating: [0x4B, 1], count: dimensions)) + [0x71, 0]
        return Bytes.global("torch._utils", "_rebuild_tensor_v2") + [0x71, 1]
            + Bytes.tuple([Bytes.storage(count: 1), [0x4B, 0], sizes, [0x68, 0], [0x89], [0x4E]])
            + [0x71, 2, 0x52]
    }

    private static let pickles: [(name: String, pickle: [UInt8])] = [
        ("lists", pickle([], fill: [0x5D])), ("marks", pickle([], fill: [0x28])),
        ("nested tuples", pickle([0x4E], fill: [0x85])),
        ("a memo bomb", pickle([0x29], fill: [0x71, 0, 0x68, 0, 0x86])),
        ("a list appended to itself", pickle([0x5D, 0x71, 0], fill: [0x68, 0, 0x61])),
        ("memo keys", pickle([0x4E], fill: [0x72, 1, 2, 3, 4])),
        (
            "a long text remembered often",
            pickle(
                Bytes.text(String(repeating: "x", count: 500_000)) + [0x71, 0], fill: [0x68, 0])
        ),
        (
            "a long tuple that many storages claim to be",
            pickle(
                Bytes.tuple(Array(repeating: [0x4E], count: 400_000)) + [0x71, 0],
                fill: [0x68, 0, 0x51])
        ),
        ("lines without an end", pickle([], fill: [0x63, 0x61])),
        (
            "tensors of a dimension",
            pickle(tensorParts(dimensions: 1), fill: [0x68, 1, 0x68, 2, 0x52])
        ),
        (
            "tensors of the most dimensions",
            pickle(tensorParts(dimensions: 16), fill: [0x68, 1, 0x68, 2, 0x52])
        ),
        (
            "tensors of too many dimensions",
            // 32 KB: a reader that copies the shape of each takes some hundred megabytes and fails, where a
            // megabyte would take the machine.
            pickle(
                tensorParts(dimensions: 5_000), fill: [0x68, 1, 0x68, 2, 0x52], size: 1 << 15)
        ),
    ]

    @Test(arguments: pickles.indices)
    func `a megabyte costs seconds, and values in proportion`(index: Int) {
        let (name, pickle) = Self.pickles[index]
        var machine = PickleMachine(ByteCursor(pickle[...], place: name))
        let time = ContinuousClock().measure { _ = try? machine.run() }
        #expect(time < Self.seconds, "\(name): \(time)")
        // A tensor is two arrays beside its object, of at most 16 numbers.
        var words = 0
        for object in machine.objects {
            words += 1 + object.items.count
            if case .tensor(let tensor) = object.kind {
                words += tensor.shape.count + tensor.strides.count
            }
        }
        #expect(words <= 8 * pickle.count, "\(name): \(words) values of \(pickle.count) bytes")
    }

    @Test func `the objects of the largest pickle fit in 128 MB`() {
        #expect(MemoryLayout<PickleObject>.stride + MemoryLayout<PickleValue>.stride <= 64)
        #expect(PickleMachine.maximumOperations * 64 <= 128 << 20)
    }

    @Test func `more operations than a state dictionary can need are refused`() {
        for (count, message) in [
            (PickleMachine.maximumOperations - 1, nil),
            (PickleMachine.maximumOperations, "operations"),
        ] as [(Int, String?)] {
            let pickle = [UInt8](repeating: 0x4E, count: count) + Bytes.stop
            var machine = PickleMachine(ByteCursor(pickle[...], place: "pickle"))
            var error: InteropError?
            do throws(InteropError) { _ = try machine.run() } catch let refused { error = refused }
            #expect(error?.code == (message == nil ? nil : .limitExceeded))
            #expect(error?.message.contains(message ?? "") ?? (message == nil))
        }
    }

    @Test func `entries that share their bytes are refused, so that a small file stays small`() {
        // A thousand names for the same megabyte would be a gigabyte of storages.
        let data = [UInt8](repeating: 0, count: Self.megabyte)
        let first = CheckpointBytes.Entry("a/data/0", data)
        let others = (0..<1_000).map { _ in
            var entry = CheckpointBytes.Entry("a/data/0", [])
            entry.start = 0
            entry.size = data.count
            return entry
        }
        let named = others.enumerated().map { index, entry in
            var entry = entry
            entry.name = "a/data/\(index + 1)"
            return entry
        }
        for (entries, message) in [(others, "twice"), (named, "another name")] {
            HostileCase("shared", Bytes.zip([first] + entries), message).expectRefusal()
        }
    }
}
