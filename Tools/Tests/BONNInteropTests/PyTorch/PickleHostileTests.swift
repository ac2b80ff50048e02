import Testing

@testable import BONNInterop

/// Pickles that ask for anything but tensors, or are none.
@Suite struct PickleHostileTests {
    private typealias Bytes = CheckpointBytes

    /// A file of the zip format whose pickle has these operations, and STOP.
    private static func file(_ operations: [UInt8]) -> [UInt8] {
        Bytes.zip(pickle: Bytes.begin + operations + Bytes.stop, storages: [])
    }

    private static func call(_ module: String, _ name: String, _ count: Int = 0) -> [UInt8] {
        Bytes.global(module, name) + Bytes.tuple(Array(repeating: [0x4E], count: count)) + [0x52]
    }

    static let names: [HostileCase] = [
        ("os", "system"), ("posix", "system"), ("nt", "system"), ("builtins", "eval"),
        ("builtins", "exec"), ("builtins", "getattr"), ("__builtin__", "eval"),
        ("subprocess", "Popen"), ("runpy", "_run_code"), ("torch", "load"),
        ("torch.hub", "load"), ("torch.storage", "_load_from_bytes"),
        ("torch._utils", "_rebuild_tensor_v3"), ("torch.jit", "_load_for_lite_interpreter"),
        ("os", "path.join"), ("collections", "OrderedDict.__init__"), ("\u{43E}s", "system"),
        ("\u{FF4F}s", "system"), ("collections ", "OrderedDict"), ("", ""),
    ].map { module, name in
        HostileCase("\(module).\(name)", file(call(module, name, 1)), "'\(module).\(name)' of 1 ")
    }

    static let calls: [HostileCase] = [
        HostileCase(
            "memoized", file(Bytes.global("os", "system") + Array("q\u{1}h\u{1})R".utf8)),
            "os.system"),
        HostileCase(
            "a name that moves the cursor", file(call("\u{1B}[2J", "\u{9B}\u{202E}")),
            #"\u{1b}[2J.\u{9b}\u{202e}"#),
        HostileCase(
            "a name of 100 KB", file(call(String(repeating: "a", count: 100_000), "b")), "aaa..."),
        HostileCase("a name without an end", file(Array("cos".utf8)), "expected a line"),
        HostileCase("a name that is no text", file([0x63, 0xFF, 0x0A, 0x0A]), "expected UTF-8"),
        HostileCase(
            "a dictionary of arguments", file(call("collections", "OrderedDict", 1)),
            "of 1 arguments"),
        HostileCase(
            "a tensor of 5 arguments", file(call("torch._utils", "_rebuild_tensor_v2", 5)),
            "of 5 arguments"),
        HostileCase(
            "a parameter of nothing", file(call("torch._utils", "_rebuild_parameter")),
            "of 0 arguments"),
        HostileCase("a called text", file(Bytes.text("os.system") + [0x29, 0x52]), "no name"),
        HostileCase("a called tuple", file([0x29, 0x29, 0x52]), "no name"),
        HostileCase(
            "arguments in a list", file(Bytes.global("torch", "Size") + [0x5D, 0x52]), "no name"),
        HostileCase("a state of a list", file([0x5D, 0x7D, 0x62]), "a state"),
        HostileCase("a state of a tuple", file([0x29, 0x7D, 0x62]), "a state"),
        HostileCase(
            "a state of a name", file(Bytes.global("os", "system") + [0x7D, 0x62]), "a state"),
        HostileCase("a state of nothing", file([0x7D, 0x62]), "expected a value"),
        HostileCase(
            "elements of a name", file(Bytes.global("os", "environ") + [0x4E, 0x61]), "no list"),
        HostileCase("elements of a tuple", file([0x29, 0x4E, 0x61]), "no list"),
        HostileCase("elements of a dictionary", file([0x7D, 0x28, 0x4E, 0x65]), "no list"),
        HostileCase("keys of a list", file([0x5D, 0x4E, 0x4E, 0x73]), "no dictionary"),
        HostileCase("a key without a value", file([0x7D, 0x28, 0x4E, 0x75]), "no dictionary"),
    ]

    /// Operations of other protocols and of none, each with room for what would follow it.
    static let operations: [HostileCase] = [
        0x69, 0x6F, 0x81, 0x92, 0x82, 0x83, 0x84, 0x93, 0x94, 0x95, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F,
        0x90,
        0x91, 0x96, 0x97, 0x98, 0x42, 0x43, 0x50, 0x49, 0x4C, 0x46, 0x53, 0x54, 0x56, 0x64, 0x6C,
        0x70,
        0x67, 0x30, 0x31, 0x32, 0x00, 0xFF,
    ].map { (operation: UInt8) in
        let name = "0x\(String(operation, radix: 16))"
        let rest = [UInt8](repeating: 0xFF, count: 16)
        return HostileCase(name, file([0x4E, 0x4E, operation] + rest), "the operation \(name)")
    }

    static let lies: [HostileCase] =
        [0, 1, 3, 4, 5, 255].map {
            HostileCase("protocol \($0)", file([0x80, $0]), "protocol \($0), expected 2")
        } + [
            HostileCase(
                "a text of 4 GiB", file([0x58, 255, 255, 255, 255]),
                "expected 4294967295 more bytes"),
            HostileCase(
                "a short text beyond the end", file([0x55, 255]), "expected 255 more bytes"),
            HostileCase(
                "a long number beyond the end", file([0x8A, 255]), "expected 255 more bytes"),
            HostileCase(
                "a text that is none", file([0x58, 2, 0, 0, 0, 0xC3, 0x28]), "expected UTF-8"),
            HostileCase("an empty stack", file([]), "expected a value"),
            HostileCase("nothing above a mark", file([0x4E, 0x28]), "expected a value"),
            HostileCase(
                "a value taken from below a mark", file([0x7D, 0x28, 0x61]), "expected a value"),
            HostileCase("a pair of one", file([0x4E, 0x86]), "expected a value"),
            HostileCase("memo of nothing", file([0x71, 0]), "expected a value"),
            HostileCase(
                "memo of 2^32", file([0x4E, 0x72, 255, 255, 255, 255, 0x6A, 254, 255, 255, 255]),
                "expected a value"),
            HostileCase("a tuple without a mark", file([0x4E, 0x74]), "expected a value"),
            HostileCase("elements without a mark", file([0x5D, 0x65]), "expected a value"),
            HostileCase("pairs without a mark", file([0x7D, 0x75]), "expected a value"),
            HostileCase(
                "nothing at all", Bytes.zip(pickle: [], storages: []), "expected 1 more bytes"),
            HostileCase(
                "no STOP", Bytes.zip(pickle: [0x80, 2, 0x7D], storages: []), "expected 1 more bytes"
            ),
        ]

    static let values: [HostileCase] = [
        HostileCase("a list", file([0x5D]), "expected a dictionary"),
        HostileCase("a name", file(Bytes.global("os", "system")), "expected a dictionary"),
        HostileCase(
            "a long number", file([0x8A, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1]), "expected a dictionary"),
        HostileCase("an empty dictionary", file([0x7D]), "expected tensors"),
        HostileCase(
            "a dictionary that holds itself",
            file([0x7D, 0x71, 0] + Bytes.text("state_dict") + [0x68, 0, 0x73]), "expected tensors"),
        HostileCase(
            "a dictionary that is its own key", file([0x7D, 0x71, 0, 0x68, 0, 0x68, 0, 0x73]),
            "expected tensors"),
        HostileCase(
            "a tuple that holds itself",
            file([0x5D, 0x71, 0, 0x85, 0x71, 1, 0x68, 0, 0x68, 1, 0x61]), "expected a dictionary"),
        HostileCase(
            "dictionaries in one another", file([UInt8](repeating: 0x7D, count: 100_000)),
            "expected tensors"),
        HostileCase(
            "tuples 100,000 deep", file([0x4E] + [UInt8](repeating: 0x85, count: 100_000)),
            "expected a dictionary"),
        HostileCase(
            "marks 100,000 deep", file([UInt8](repeating: 0x28, count: 100_000)), "expected a value"
        ),
        HostileCase(
            "a memo bomb of 2^5000 values",
            file([0x29] + [0x71, 0, 0x68, 0, 0x86].repeated(5_000)), "expected a dictionary"),
    ]

    @Test func `pickles are refused by what they ask for`() {
        for cases in [Self.names, Self.calls, Self.operations, Self.lies, Self.values] {
            for hostile in cases { hostile.expectRefusal() }
        }
    }

    @Test func `the older format refuses the same pickles`() throws {
        let marker = Array("a/data.pkl".utf8)
        for hostile in Self.names + Self.calls + Self.operations {
            // The pickle lies behind the one local header, up to the directory.
            let start = try #require(hostile.bytes.firstRange(of: marker)).upperBound
            let end = try #require(hostile.bytes.firstRange(of: [0x50, 0x4B, 1, 2])).lowerBound
            let file = Bytes.legacy(pickle: Array(hostile.bytes[start..<end]), storages: [])
            // Where the pickle is cut, the older format goes on.
            guard hostile.name != "a name without an end" else { continue }
            HostileCase(hostile.name, file, hostile.message).expectRefusal()
        }
    }
}

extension [UInt8] {
    /// So many times.
    func repeated(_ count: Int) -> [UInt8] { (0..<count).flatMap { _ in self } }
}
