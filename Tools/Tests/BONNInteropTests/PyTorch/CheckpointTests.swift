import BONNModelFormat
import BONNTestSupport
import Foundation
import Testing

@testable import BONNInterop

/// Files that PyTorch writes, and hostile ones.
@Suite struct CheckpointTests {
    private static let python = PythonInterpreter.find(importing: ["torch", "safetensors"])
    private static let missing: Comment = "no Python with PyTorch and safetensors: run make setup"

    /// Saves what `make` makes, in both formats, and a line a tensor: name, shape, bits of its float32.
    private static let script = """
        import collections, torch, safetensors.torch
        torch.manual_seed(1)
        base = torch.randn(6, 4)
        tensors = collections.OrderedDict([
            ("module.shared.a", base), ("module.shared.b", base[2:5, 1:3]),
            ("module.turned", base.t()), ("module.empty", torch.zeros(0, 3)),
            ("module.half", torch.tensor([1.5, -6e-8, 65504.0, float("inf"), -0.0]).half()),
            ("module.bfloat", torch.randn(7).bfloat16()), ("module.double", torch.randn(3).double()),
            ("module.count", torch.tensor(12)), ("module.bytes", torch.tensor([0, 200], dtype=torch.uint8)),
            ("module.signed", torch.tensor([-3, 7], dtype=torch.int8)),
            ("module.yes", torch.tensor([True, False])),
            ("module.parameter", torch.nn.Parameter(torch.randn(2, 2)))])
        for name, whole in ("plain", tensors), ("nested", {"epoch": 70, "best": 0.5, "arch": "r", "state_dict": tensors}):
            torch.save(whole, name + ".pt")
            torch.save(whole, name + ".pth.tar", _use_new_zipfile_serialization=False)
        safetensors.torch.save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, "flat.safetensors")
        small = torch.nn.BatchNorm1d(1).state_dict()
        torch.save(small, "small.pt")
        torch.save(small, "small.old", _use_new_zipfile_serialization=False)
        with open("expected", "w") as file:
            for name, value in tensors.items():
                bits = value.detach().float().contiguous().view(torch.int32).flatten().tolist()
                print(name[7:], list(value.shape), [b & 0xffffffff for b in bits], file=file)
        """

    private func withFiles(_ body: (URL) throws -> Void) throws {
        let python = try #require(Self.python)
        try withTemporaryFolder { folder in
            let result = try python.run(["-W", "ignore", "-c", Self.script], in: folder)
            try #require(result.status == 0, "\(result.output)")
            try body(folder)
        }
    }

    private func bytes(_ folder: URL, _ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: name)))
    }

    @Test(.enabled(if: python != nil, missing))
    func `tensors of both formats and of safetensors are those of PyTorch, bit for bit`() throws {
        try withFiles { folder in
            let expected = String(decoding: try bytes(folder, "expected"), as: UTF8.self)
                .split(separator: "\n").map(String.init)
            try #require(expected.count == 12)
            for name in ["plain.pt", "plain.pth.tar", "nested.pt", "nested.pth.tar"] {
                let checkpoint = try Checkpoint(try bytes(folder, name), place: name)
                let found = checkpoint.entries.map { entry in
                    let bits = checkpoint.floats(entry).map(\.bitPattern)
                    return "\(entry.name) \(entry.shape) \(bits)"
                }
                #expect(found == expected, "\(name)")
            }
            // safetensors orders by element types.
            let flat = try Checkpoint(try bytes(folder, "flat.safetensors"), place: "flat")
            let lines = flat.entries.map {
                "\($0.name) \($0.shape) \(flat.floats($0).map(\.bitPattern))"
            }
            #expect(Set(lines) == Set(expected))
        }
    }

    @Test(.enabled(if: python != nil, missing))
    func `a file cut at any byte is refused, and one with a flipped byte never traps`() throws {
        try withFiles { folder in
            for name in ["small.pt", "small.old"] {
                HostileCase.expectDamageToBeNoticed(try bytes(folder, name), name)
            }
        }
    }

    /// Archives that zip programs make and torch.save does not, of the small one.
    private static let archives = """
        import zipfile, torch, warnings
        warnings.simplefilter("ignore")
        torch.save({"w": torch.randn(4)}, "good.zip")
        with zipfile.ZipFile("good.zip") as good:
            entries = [(name, good.read(name)) for name in good.namelist()]
        def write(name, entries, method=zipfile.ZIP_STORED):
            with zipfile.ZipFile(name, "w", method) as file:
                for entry in entries: file.writestr(*entry)
        pickle, storage = (next(e for e in entries if e[0].endswith(end)) for end in ("data.pkl", "data/0"))
        others = [e for e in entries if e not in (pickle, storage)]
        write("deflated", entries, zipfile.ZIP_DEFLATED)
        write("twice", entries + [storage])
        write("no-pickle", others + [storage])
        write("two-pickles", entries + [("other/data.pkl", pickle[1])])
        write("no-storage", others + [pickle])
        write("short-storage", others + [pickle, (storage[0], storage[1][:15])])
        write("elsewhere", others + [pickle, ("../../data/0", storage[1])])
        write("empty", [])
        """

    @Test(.enabled(if: python != nil, missing))
    func `archives that torch.save does not write are refused`() throws {
        try withFiles { folder in
            let result = try #require(Self.python).run(["-c", Self.archives], in: folder)
            try #require(result.status == 0, "\(result.output)")
            #expect(throws: Never.self) {
                try Checkpoint(try bytes(folder, "good.zip"), place: "good")
            }
            for (name, code) in [
                ("deflated", InteropError.Code.refused), ("twice", .malformed),
                ("no-pickle", .notRecognised), ("two-pickles", .notRecognised),
                ("no-storage", .malformed), ("short-storage", .malformed),
                ("elsewhere", .malformed), ("empty", .notRecognised),
            ] {
                let error = #expect(throws: InteropError.self, "\(name)") {
                    try Checkpoint(try bytes(folder, name), place: name)
                }
                #expect(error?.code == code, "\(name): \(error?.message ?? "")")
            }
        }
    }

    @Test(.enabled(if: python != nil, missing))
    func `big-endian files are refused by name`() throws {
        try withFiles { folder in
            for (name, text, skipped) in [
                ("small.pt", "little", 0), ("small.old", "little_endian", 2),
            ] {
                var whole = try bytes(folder, name)
                let start = try #require(whole.firstRange(of: Array(text.utf8)))
                if skipped == 0 {
                    whole.replaceSubrange(start, with: Array("big-en".utf8))
                } else {
                    try #require(whole[start.upperBound + skipped] == 0x88)
                    whole[start.upperBound + skipped] = 0x89
                }
                let error = #expect(throws: InteropError.self) {
                    try Checkpoint(whole, place: name)
                }
                #expect(error?.code == .refused && error?.message.contains("big-endian") == true)
            }
        }
    }

    @Test(arguments: [
        ("a function", "cos\nsystem\n(X\u{1}\0\0\0ltR.", "os.system"),
        ("a name of two parts", "cbuiltins\neval\n)R.", "builtins.eval"),
        ("control characters", "c\u{1B}[2J\nx\n)R.", #"\u{1b}[2J.x"#),
        ("an instance", "(ios\nsystem\n.", "0x69"), ("a deleted value", "N0.", "0x30"),
        ("a memo that is not there", "hA.", "expected a value"),
        ("an empty stack", ".", "expected a value"), ("no mark", "t.", "expected a value"),
        ("elements without a list", "N(NNe.", "no list"),
        ("half a pair", "}(Nu.", "no dictionary"), ("a state", "]}b.", "a state"),
        ("a number called", "N)R.", "no name"), ("a strange storage", "NQ.", "no storage"),
        ("a text beyond the end", "X\u{7F}\u{7F}\u{7F}\u{7F}a.", "expected 2139062143 more bytes"),
        ("a tensor of nothing", "ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR.", "unknown form"),
    ])
    func `pickles that ask for more than tensors are refused by name`(
        what: String, pickle: String, message: String
    ) {
        var machine = PickleMachine(ByteCursor(Array(pickle.utf8)[...], place: "pickle"))
        let error = #expect(throws: InteropError.self, "\(what)") { try machine.run() }
        #expect(error?.message.contains(message) == true, "\(what): \(error?.message ?? "")")
    }

    @Test func `a list that holds itself ends`() throws {
        var machine = PickleMachine(ByteCursor(Array("]q\u{1}h\u{1}a.".utf8)[...], place: "pickle"))
        _ = try machine.run()
        #expect(machine.objects.count == 1 && machine.objects[0].items.count == 1)
    }

    @Test(arguments: [
        [
            ("0", "K\u{1}\u{85}", "K\u{1}\u{85}"), ("9", "K\u{4}\u{85}", "K\u{1}\u{85}"),
            ("2", "K\u{2}\u{85}", "K\u{4}\u{85}"),
        ]
    ])
    func `storages bound tensors`(cases: [(String, String, String)]) {
        for (index, (offset, shape, stride)) in cases.enumerated() {
            // ('storage', torch.FloatStorage, 'k', 'cpu', 4) as bytes, of which none is a character.
            var pickle = Array("ctorch._utils\n_rebuild_tensor_v2\n(".utf8)
            pickle += Array(
                "(X\u{7}\0\0\0storagectorch\nFloatStorage\nX\u{1}\0\0\0kX\u{3}\0\0\0cpuK\u{4}tQ"
                    .utf8)
            pickle += [0x4B, UInt8(offset) ?? 0]
            pickle += (shape + stride).unicodeScalars.map { UInt8($0.value) }
            pickle += [0x89, 0x4E] + Array("tR.".utf8)
            var machine = PickleMachine(ByteCursor(pickle[...], place: "pickle"))
            if index == 0 {
                #expect(throws: Never.self) { try machine.run() }
            } else {
                let error = #expect(throws: InteropError.self) { try machine.run() }
                #expect(error?.code == .malformed && error?.message.contains("within") == true)
            }
        }
    }
}
