import BONNMethods
import BONNModelFormat
import Foundation
import Testing

@testable import BONNTrainer

/// Recipes that somebody wrote to do harm: each took seconds to minutes, or a message of any length,
/// before there were bounds.
@Suite struct RecipeBoundsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let yaml: String
        let expected: String
        var testDescription: String { name }
    }

    /// Nine times nine times ... what it names, ten levels deep, in 451 bytes.
    private static let aliasesAsKeys: String = {
        var text = "? &a [x, x, x, x, x, x, x, x, x]\n: 1\n"
        for (name, before) in zip("bcdefghij", "abcdefghi") {
            let items = [String](repeating: "*\(before)", count: 9).joined(separator: ", ")
            text += "? &\(name) [\(items)]\n: 1\n"
        }
        return text
    }()

    static let cases: [Case] = [
        Case(
            name: "nested aliases as keys", yaml: aliasesAsKeys,
            expected: "r.yaml: expected at most 4 aliases (*name), found 81; write the values out"),
        Case(
            name: "aliases behind a # that is no comment",
            yaml: "a: \"# \", b: &a x\n" + String(repeating: "c: \"# \" , *a\n", count: 9),
            expected: "expected at most 4 aliases (*name), found 9"),
        Case(
            name: "maps as keys of maps",
            yaml: String(repeating: String(repeating: "? ", count: 990) + "x\n", count: 30),
            expected: "expected at most 4 keys marked with ?, found 29700"),
        Case(
            name: "brackets", yaml: String(repeating: "{", count: 990),
            expected: "expected at most 64 opening brackets, found 990"),
        Case(
            name: "lists in lists", yaml: String(repeating: "- ", count: 30_000) + "x",
            expected: "r.yaml: not valid YAML: line 1"),
        Case(
            name: "combining marks",
            yaml: "? a" + String(repeating: "\u{301}\u{316}", count: 40_000) + "\n: 1\n",
            expected: "expected at most 32 combining marks in a row, found 80000"),
        Case(
            name: "combining marks as escapes",
            yaml: "? \"a" + String(repeating: "\\u0301\\u0316", count: 5000) + "\"\n: 1\n",
            expected: "expected at most 256 \\u escapes, found 10000"),
        Case(
            name: "a long text", yaml: String(repeating: "# x\n", count: 100_000),
            expected: "expected a recipe of at most 262144 bytes, found 400000"),
        Case(
            name: "a list as a key", yaml: "data:\n  ? [a, b]\n  : 1\n",
            expected: "r.yaml:2: a key must be a plain word, found a list or map"),
        Case(
            name: "a list as a section", yaml: "[a, b]: 1\n",
            expected: "r.yaml:1: a key must be a plain word, found a list or map"),
        Case(
            name: "a long key", yaml: "data:\n  \(String(repeating: "k", count: 1000)): 1\n",
            expected: "r.yaml:2: unknown key data.kkk"),
        Case(
            name: "a long section",
            yaml: "? \(String(repeating: "s", count: 100_000))\n: 1\n",
            expected: "r.yaml:1: unknown section sss"),
        Case(
            name: "a long value",
            yaml: "data:\n  batch_size: \(String(repeating: "abcdefg ", count: 20_000))\n",
            expected: "data.batch_size is abcdefg abcdefg"),
        Case(
            name: "a long line that is no YAML",
            yaml: "a: [\(String(repeating: "abcdefg ", count: 20_000))\n",
            expected: "r.yaml: not valid YAML: line 2"),
        Case(
            name: "long keys twice",
            yaml: String(repeating: String(repeating: "k", count: 1000) + ": 1\n", count: 2),
            expected: "r.yaml: not valid YAML: line 1: the same key twice: 'kkk"),
        Case(
            name: "a value that writes to the terminal",
            yaml: "data:\n  batch_size: \"\\e[31mred\\n2026 another line\"\n",
            expected: "batch_size is \\u{1b}[31mred\\u{a}2026 another line, expected a whole"),
    ]

    /// Some hundred times what any of these takes.
    private static let patience = Duration.seconds(5)

    @Test(arguments: cases)
    func `a hostile recipe is refused at once, in one short line`(aCase: Case) {
        let clock = ContinuousClock()
        var found: String?
        let time = clock.measure {
            found = message { _ = try Recipe.read(yaml: aCase.yaml, source: "r.yaml") }
        }
        #expect(found?.contains(aCase.expected) == true, "\(found?.prefix(300) ?? "accepted")")
        #expect((found?.utf8.count ?? 0) < 400)
        #expect(found?.contains { $0.isNewline } == false)
        #expect(time < Self.patience, "took \(time)")
    }

    @Test(arguments: cases)
    func `a checkpoint with a hostile recipe is refused as fast`(aCase: Case) throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/x.safetensors"
        let bytes = try Safetensors.write(
            metadata: [
                ("format", "bonn-checkpoint"), ("format_version", "1"),
                ("configuration", aCase.yaml), ("state", "{}"),
            ], tensors: [])
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let clock = ContinuousClock()
        var found: String?
        let time = clock.measure { found = message { _ = try Checkpoint(path: path) } }
        #expect(found?.contains("x.safetensors") == true && (found?.utf8.count ?? 0) < 800)
        #expect(time < Self.patience, "took \(time)")
    }

    @Test(arguments: cases)
    func `an assignment is bounded as a recipe is`(aCase: Case) {
        let clock = ContinuousClock()
        var found: String?
        let time = clock.measure {
            found = message {
                var configuration = TrainingConfiguration()
                try Recipe.apply(
                    [("data.batch_size", aCase.yaml, "--set data.batch_size=\(aCase.yaml)")],
                    to: &configuration)
            }
        }
        #expect(found != nil && (found?.utf8.count ?? 0) < 800)
        #expect(time < Self.patience, "took \(time)")
    }

    @Test func `what a person writes is within the bounds`() throws {
        let yaml = """
            # *** the recipe of [everybody]: * one * two * three * four * five ***
            data:  # [[[[ * * * * * * * ]]]]
              path: "/data/**/it's [here]? #1"
            model: {name: resnet18, widths: [8, 8, 16, 32, 64]}
            augmentation:
              mean: &numbers [0.5, 0.5, 0.5]
              std: *numbers
            schedule:
              milestones:
                - 10
                - 20
            """
        let configuration = try Recipe.read(yaml: yaml, source: "r.yaml")
        #expect(configuration.data.path == "/data/**/it's [here]? #1")
        #expect(configuration.augmentation.std == [0.5, 0.5, 0.5])
        #expect(configuration.schedule.milestones == [10, 20])
        #expect(configuration.model.widths == [8, 8, 16, 32, 64])
    }

    @Test func `a recipe file that never ends is read no further than a recipe is long`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/long.yaml"
        try Data().write(to: URL(fileURLWithPath: path))
        // A file with a hole: a terabyte that takes no space.
        #expect(truncate(path, 1 << 40) == 0)
        let found = message { _ = try Recipe.read(path: path) }
        #expect(found == "\(path): expected a recipe of at most 262144 bytes, found more")
    }
}
