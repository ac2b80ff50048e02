import Foundation
import Testing

@testable import BONNCompare

/// A table of made-up numbers.
enum Made {
    static func run(
        _ seed: Int, _ top1: [Double?], status: SeedRun.Status = .finished, epochs: Int? = nil
    ) -> SeedRun {
        var run = SeedRun(seed: seed, folder: "runs/seed-\(seed)")
        run.status = status
        run.epochs = epochs ?? top1.count
        run.curve = top1.enumerated().map {
            SeedRun.Point(
                epoch: $0.offset + 1, minutes: 1.5 * Double($0.offset + 1), top1: $0.element)
        }
        let measured = run.curve.filter { $0.top1 != nil }
        let best = measured.max { ($0.top1 ?? 0) < ($1.top1 ?? 0) }
        (run.bestEpoch, run.bestTop1) = (best?.epoch, best?.top1)
        run.imagesPerSecond = 700 + Double(seed)
        run.threads = 2
        run.device = "cpu"
        return run
    }

    static func row(_ name: String, _ runs: [SeedRun], _ settings: [(String, String)])
        -> ComparisonRow
    {
        var row = ComparisonRow(name: name, recipe: "recipes/\(name).yaml")
        (row.method, row.title, row.bits) = (name, "The \(name)", "1/1")
        row.network = "wrn22 16-16-32-64"
        row.data = "cifar10 (50000 training and 10000 test images, 10 classes)"
        row.runs = runs
        row.settings = settings.map { ComparisonRow.Setting(key: $0.0, value: $0.1) }
        var cost = NetworkCost()
        (cost.binaryParameters, cost.realParameters) = (270_000, 4_000)
        (cost.binaryMacs, cost.realMacs) = (38_000_000, 1_200_000)
        row.cost = cost
        row.deployment = Deployment(
            weights: "ab", processor: "A processor", bytes: 60_123, milliseconds: 0.8125,
            kernels: "avx2", reason: nil)
        return row
    }

    static var comparison: Comparison {
        var odd = row(
            "odd | <name>, \"quoted\" & 'more'",
            [run(1, [0.2, 0.25], status: .unfinished, epochs: 5)],
            [("optimizer.learning_rate", "0.01"), ("data.batch_size", "64")])
        odd.deployment = nil
        odd.reported = ComparisonRow.Reported(
            top1: 0.581, network: "resnet18", images: "ImageNet", source: "S", note: "a teacher",
            isSame: false)
        var only = row("only", [run(1, [0.3, 0.31, 0.29])], [("data.batch_size", "64")])
        only.deployment?.milliseconds = nil
        only.deployment?.bytes = nil
        only.deployment?.reason = "training only: no form in bits, for 8-bit errors"
        var broken = ComparisonRow(name: "broken", recipe: "recipes/broken.yaml")
        broken.failure = "broken.yaml:3: unknown key \"model.nmae\""
        var good = row(
            "good", [run(1, [0.5, 0.6, 0.65, 0.63]), run(2, [0.4, 0.62, 0.61, 0.66])],
            [("optimizer.learning_rate", "0.005"), ("data.batch_size", "64"), ("method.own", "A")])
        good.reported = ComparisonRow.Reported(
            top1: 0.8734, network: "wrn22 16-16-32-64", images: "CIFAR-10", source: "S", note: "",
            isSame: true)
        let failed = row(
            "failed", [run(1, [0.1], status: .failed, epochs: 4), run(2, [0.1, 0.2, 0.1, 0.1])],
            [
                ("optimizer.learning_rate", "0.005"), ("data.batch_size", "64"),
                ("method.other", "7"),
            ])
        return Comparison(
            budget: .epochs(4), seeds: [1, 2], processor: "A processor",
            rows: [good, odd, only, broken, failed])
    }
}

@Suite struct TableTests {
    @Test func `JSON is read back as the same value, and tells what follows from it`() throws {
        let comparison = Made.comparison
        let json = try comparison.json()
        #expect(try Comparison(json: json) == comparison)
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(object["version"] as? Int == 1)
        #expect(object["differing_keys"] as? [String] == comparison.differingKeys)
        let rows = try #require(object["rows"] as? [[String: Any]])
        let summary = try #require(rows[0]["summary"] as? [String: Any])
        let top1 = try #require(summary["top1"] as? [String: Any])
        #expect(top1["mean"] as? Double == comparison.rows[0].final?.mean)
        #expect(top1["deviation"] as? Double == comparison.rows[0].final?.deviation)
        #expect(summary["megabits"] as? Double == 0.398)
        #expect(throws: CompareError(.format, "a comparison of version 9, expected 1")) {
            _ = try Comparison(
                json: json.replacingOccurrences(of: "\"version\" : 1", with: "\"version\" : 9"))
        }
    }

    /// Reads CSV by its rules alone.
    private static func parse(_ csv: String) -> [[String]] {
        var rows: [[String]] = [[]]
        var field = ""
        var isQuoted = false
        var characters = Array(csv)[...]
        while let character = characters.popFirst() {
            if isQuoted {
                if character == "\"", characters.first == "\"" {
                    characters.removeFirst()
                    field.append("\"")
                } else if character == "\"" {
                    isQuoted = false
                } else {
                    field.append(character)
                }
            } else if character == "\"" {
                isQuoted = true
            } else if character == "," || character == "\n" {
                rows[rows.count - 1].append(field)
                field = ""
                if character == "\n" { rows.append([]) }
            } else {
                field.append(character)
            }
        }
        return rows.dropLast()
    }

    @Test func `CSV is read back by its rules, with every setting and every digit`() throws {
        let comparison = Made.comparison
        let rows = Self.parse(comparison.csv)
        let header = rows[0]
        #expect(rows.count == comparison.rows.count + 1)
        #expect(rows.allSatisfy { $0.count == header.count })
        #expect(
            Array(header.suffix(4)) == [
                "optimizer.learning_rate", "data.batch_size", "method.own", "method.other",
            ])
        for (row, cells) in zip(comparison.rows, rows.dropFirst()) {
            let fields = Dictionary(uniqueKeysWithValues: zip(header, cells))
            #expect(fields["recipe"] == row.name)
            #expect(fields["top1_mean"].flatMap(Double.init) == row.final?.mean)
            #expect(fields["top1_deviation"].flatMap(Double.init) == row.final?.deviation)
            #expect(fields["last3_mean"].flatMap(Double.init) == row.lastThree?.mean)
            #expect(fields["ops"].flatMap(Double.init) == row.cost?.operations)
            #expect(fields["runtime_ms"].flatMap(Double.init) == row.deployment?.milliseconds)
            #expect(fields["reported_top1"].flatMap(Double.init) == row.reported?.top1)
            #expect(fields["finished"] == "\(row.finished.count)")
            for setting in row.settings { #expect(fields[setting.key] == setting.value) }
        }
        #expect(rows[4].contains("broken.yaml:3: unknown key \"model.nmae\""))
    }

    /// The cells of the first table of a Markdown text.
    private static func cells(_ markdown: String) -> [[String]] {
        let lines = markdown.split(separator: "\n", omittingEmptySubsequences: false)
            .drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }
        return lines.map { line in
            line.replacingOccurrences(of: "\\|", with: "\u{1}").split(separator: "|").map {
                $0.trimmingCharacters(in: .whitespaces).replacingOccurrences(of: "\u{1}", with: "|")
            }
        }
    }

    @Test func `Markdown has a cell for everything, and names what failed`() throws {
        let comparison = Made.comparison
        let text = comparison.markdown
        let table = Self.cells(text)
        #expect(table.count == comparison.rows.count + 2)
        #expect(table.allSatisfy { $0.count == table[0].count })
        func cell(_ row: Int, _ column: String) throws -> String {
            table[row + 2][try #require(table[0].firstIndex(of: column))]
        }
        #expect(try cell(0, "top-1 %") == "64.50 ± 2.12")
        #expect(try cell(0, "last 3 %") == "62.83 ± 0.24")
        #expect(try cell(0, "paper %") == "87.34 S")
        #expect(try cell(1, "recipe") == "odd | <name>, \"quoted\" & 'more'")
        #expect(try cell(1, "top-1 %") == "unfinished")
        #expect(try cell(1, "paper %") == "(58.10 S, resnet18, ImageNet, a teacher)")
        #expect(try cell(2, "ms") == "training only" && cell(2, "top-1 %") == "29.00")
        #expect(try cell(3, "top-1 %") == "failed")
        #expect(try cell(4, "top-1 %") == "10.00 (1 of 2 seeds)")
        #expect(try cell(0, "OPs") == "1.79 M" && cell(0, "parameters") == "274 k")
        #expect(text.contains("\n- broken: broken.yaml:3: unknown key \"model.nmae\"\n"))
        #expect(text.contains(": seed 1 is at epoch 2 of 5, top-1 25.00 % so far\n"))
        #expect(text.contains("\n- only: training only: no form in bits, for 8-bit errors\n"))
        #expect(text.contains("A processor") && text.contains("4 epochs; seeds 1, 2"))
    }

    @Test func `settings that differ are named, and others are not`() throws {
        let comparison = Made.comparison
        #expect(
            comparison.differingKeys == ["optimizer.learning_rate", "method.own", "method.other"])
        #expect(comparison.commonValue(of: "optimizer.learning_rate") == "0.005")
        // A method's own key that is as its paper has it says nothing.
        var usual = comparison
        for row in usual.rows.indices {
            for index in usual.rows[row].settings.indices {
                usual.rows[row].settings[index].isDefault = true
            }
        }
        #expect(usual.differingKeys == ["optimizer.learning_rate"])
        let text = comparison.markdown
        #expect(text.contains("Most have: `optimizer.learning_rate` 0.005;"))
        #expect(
            text.contains(
                "| odd \\| <name>, \"quoted\" & 'more' | `optimizer.learning_rate` 0.01 |"))
        #expect(text.contains("| good | as most |"))
    }
}
