import BONNConfiguration
import BONNData
import BONNMethods
import BONNTrainer
import Foundation
import Testing

@testable import BONNCompare

/// Comparisons that train in seconds.
@Suite(.serialized) struct RunnerTests {
    private let folder = NSTemporaryDirectory() + "bonn-compare-tests-" + UUID().uuidString

    /// Recipes for tiny networks on synthetic images.
    private func recipe(_ name: String, _ lines: String) throws -> String {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = folder + "/\(name).yaml"
        let common = """
            data:
              path: synthetic:60
              batch_size: 20
            augmentation:
              image_size: 8
              padding: 1
            run:
              threads: 1
            model:
              widths: 2-2-4-4

            """
        try Data((common + lines).utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    private static let adam = "optimizer:\n  name: adam\n  learning_rate: 0.01\n"

    private func recipes() throws -> [String] {
        [
            try recipe("xnor", "method:\n  name: xnor\n" + Self.adam),
            try recipe("react", "method:\n  name: react\n" + Self.adam),
        ]
    }

    private func request(
        _ recipes: [String], _ budget: Budget? = .epochs(3), seeds: [Int] = [1, 2],
        output: String = "out", baseline: Bool = true
    ) -> ComparisonRequest {
        ComparisonRequest(
            recipes: recipes, budget: budget, seeds: seeds, output: folder + "/" + output,
            hasBaseline: baseline)
    }

    /// Counts what is trained.
    private final class Watcher {
        var trained: [String] = []
        var steps = 0
        var exported: [String] = []
        var stop: StopRequest?
        var stopAfter = Int.max

        func see(_ event: ComparisonEvent) {
            switch event {
            case .begins(let place): trained.append("\(place.name) \(place.seed)")
            case .exporting(let name): exported.append(name)
            case .training(_, .step):
                steps += 1
                if steps == stopAfter { stop?.request() }
            default: break
            }
        }
    }

    /// The table without what depends on the clock.
    private static func timeless(_ comparison: Comparison) -> Comparison {
        var result = comparison
        for row in result.rows.indices {
            result.rows[row].deployment?.milliseconds = nil
            for run in result.rows[row].runs.indices {
                result.rows[row].runs[run].imagesPerSecond = nil
                result.rows[row].runs[run].folder = ""
                for point in result.rows[row].runs[run].curve.indices {
                    result.rows[row].runs[run].curve[point].minutes = 0
                }
            }
        }
        return result
    }

    @Test
    func `recipes, seeds and a baseline are trained once, and the table says what came of them`()
        throws
    {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let recipes = try recipes()
        let watcher = Watcher()
        let comparison = try ComparisonRunner(
            request(recipes), processor: "P", observer: watcher.see
        ).run()
        #expect(
            watcher.trained
                == ["xnor 1", "react 1", "linear 1", "xnor 2", "react 2", "linear 2"])
        #expect(comparison.rows.map(\.name) == ["xnor", "react", "linear"])
        #expect(comparison.rows.map(\.isBaseline) == [false, false, true])
        #expect(comparison.rows.allSatisfy { $0.isFinished && $0.finished.count == 2 })
        for row in comparison.rows {
            for run in row.runs {
                // What metrics.csv says, by its own columns.
                let table = try String(contentsOfFile: run.folder + "/metrics.csv", encoding: .utf8)
                    .split(separator: "\n").map {
                        $0.split(separator: ",", omittingEmptySubsequences: false)
                    }
                let column = try #require(table[0].firstIndex(of: "test_top1"))
                #expect(run.curve.map(\.top1) == table.dropFirst().map { Double($0[column]) })
                #expect(run.curve.map(\.epoch) == [1, 2, 3] && run.threads == 1)
                #expect((run.imagesPerSecond ?? 0) > 0 && (run.minutes ?? 0) > 0)
                #expect(run.bestTop1 == run.curve.compactMap(\.top1).max())
            }
            #expect(row.runs[0].curve != row.runs[1].curve, "seeds differ")
            #expect(row.lastThree?.count == 2 && row.cost != nil)
            let deployment = try #require(row.deployment)
            #expect((deployment.bytes ?? 0) > 0 && (deployment.milliseconds ?? 0) > 0)
        }
        #expect(comparison.differingKeys.contains("method.name"))
        #expect(!comparison.differingKeys.contains("data.batch_size"))
        let out = folder + "/out/compare"
        let json = try String(contentsOfFile: out + ".json", encoding: .utf8)
        #expect(try Comparison(json: json) == comparison)
        #expect(try String(contentsOfFile: out + ".md", encoding: .utf8) == comparison.markdown)
        #expect(try String(contentsOfFile: out + ".csv", encoding: .utf8) == comparison.csv)
        #expect(try String(contentsOfFile: out + ".svg", encoding: .utf8) == comparison.chart)

        // The same again trains and measures nothing.
        let again = Watcher()
        let second = try ComparisonRunner(request(recipes), processor: "P", observer: again.see)
            .run()
        #expect(again.trained.isEmpty && again.exported.isEmpty && second == comparison)
        // A report finds the same without being told of recipes, seeds or the budget.
        var reported = try ComparisonRunner(
            request([], nil, seeds: []), processor: "P"
        ).report()
        #expect(
            reported.seeds == [1, 2] && reported.rows.map(\.name) == ["react", "xnor", "linear"])
        reported.rows.swapAt(0, 1)
        reported.budget = comparison.budget
        for row in reported.rows.indices { reported.rows[row].recipe = comparison.rows[row].recipe }
        #expect(reported == comparison)
    }

    @Test(arguments: [1, 4, 10, 14])
    func `a comparison that stops anywhere goes on to the same table`(steps: Int) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let recipes = try recipes()
        let whole = try ComparisonRunner(
            request(recipes, .epochs(2), seeds: [3], output: "whole"), processor: "P"
        ).run()
        let asked = request(recipes, .epochs(2), seeds: [3], output: "stopped")
        let watcher = Watcher()
        let stop = StopRequest()
        (watcher.stop, watcher.stopAfter) = (stop, steps)
        let stopped = try ComparisonRunner(asked, processor: "P", observer: watcher.see)
            .run(stop: stop)
        #expect(stopped.rows.contains { !$0.isFinished })
        #expect(stopped.rows.contains { !$0.remarks.isEmpty } && stopped.rows.count == 3)
        let resumed = try ComparisonRunner(asked, processor: "P").run()
        var expected = Self.timeless(whole)
        // Beside the runs.
        expected.rows[2].recipe = asked.output + "/linear.yaml"
        #expect(Self.timeless(resumed) == expected)
    }

    @Test func `what fails is a row that says so, and the others are trained`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let good = try recipe("good", "method:\n  name: xnor\n" + Self.adam)
        let unknown = try recipe("unknown", "optimizer:\n  nmae: adam\n")
        let refused = try recipe(
            "refused", "optimizer:\n  name: adam\nlosses:\n  class_weights: [1, 2]\n")
        let diverging = try recipe(
            "diverging", "method:\n  name: real\noptimizer:\n  name: sgd\n  learning_rate: 1e30\n")
        let missing = folder + "/missing.yaml"
        let asked = request(
            [unknown, refused, diverging, missing, good], .epochs(1), seeds: [1], baseline: false)
        let comparison = try ComparisonRunner(asked, processor: "P").run()
        let rows = Dictionary(uniqueKeysWithValues: comparison.rows.map { ($0.name, $0) })
        #expect(rows["unknown"]?.failure?.contains("unknown key optimizer.nmae") == true)
        #expect(rows["missing"]?.failure?.contains("missing.yaml") == true)
        #expect(rows["refused"]?.runs[0].status == .failed)
        #expect(rows["refused"]?.remarks[0].contains("class_weights") == true)
        #expect(rows["diverging"]?.runs[0].status == .failed)
        #expect(rows["good"]?.isFinished == true && rows["good"]?.hasFailed == false)
        #expect(comparison.rows.count { $0.hasFailed } == 4)
        // What diverged would do so again: it is remembered, also by a report.
        let watcher = Watcher()
        let again = try ComparisonRunner(asked, processor: "P", observer: watcher.see).run()
        #expect(watcher.trained == ["refused 1"] && again == comparison)
        let reported = try ComparisonRunner(asked, processor: "P").report()
        let diverged = try #require(reported.rows.first { $0.name == "diverging" })
        #expect(diverged.runs[0].message == rows["diverging"]?.runs[0].message)
    }

    @Test func `a folder with another run is left alone`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = try recipe("one", "method:\n  name: xnor\n" + Self.adam)
        let asked = request([path], .epochs(1), seeds: [1], baseline: false)
        _ = try ComparisonRunner(asked, processor: "P").run()
        let last = folder + "/out/one/seed-1/last.safetensors"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: last))
        let longer = try ComparisonRunner(
            request([path], .epochs(2), seeds: [1], baseline: false), processor: "P"
        ).run()
        #expect(longer.rows[0].remarks[0].contains("another run, with schedule.epochs = 1, not 2"))
        _ = try recipe("one", "method:\n  name: react\n" + Self.adam)
        let other = try ComparisonRunner(asked, processor: "P").run()
        #expect(other.rows[0].remarks[0].contains("method.name = xnor, not react"))
        _ = try recipe(
            "one", "method:\n  name: xnor\noptimizer:\n  name: adam\n  learning_rate: 0.02\n")
        let faster = try ComparisonRunner(asked, processor: "P").run()
        #expect(
            faster.rows[0].remarks[0].contains("optimizer.learning_rate = 0.01, not 0.02"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: last)) == bytes)
    }

    @Test func `minutes choose the epochs once, and the choice is kept`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = try recipe(
            "staged",
            "method:\n  name: react\n" + Self.adam
                + "stages:\n  - method.weights: real\n    schedule.epochs: 1\n"
                + "  - schedule.epochs: 2\n")
        let asked = request([path], .minutes(0.05), seeds: [1, 2], baseline: false)
        let comparison = try ComparisonRunner(asked, processor: "P").run()
        let row = try #require(comparison.rows.first)
        #expect(row.isFinished)
        let choice = try #require(try EpochChoice.stored(in: folder + "/out/staged"))
        #expect(row.runs.map(\.epochs) == [choice.epochs, choice.epochs])
        #expect(choice.secondsAnEpoch.count == 2 && choice.epochs >= 2)
        #expect(!FileManager.default.fileExists(atPath: folder + "/out/staged/.measuring"))
        let kept = EpochChoice(minutes: 0.05, epochs: 3, secondsAnEpoch: [1, 1])
        try FileManager.default.createDirectory(
            atPath: folder + "/kept/staged", withIntermediateDirectories: true)
        try kept.write(in: folder + "/kept/staged")
        let repeated = try ComparisonRunner(
            request([path], .minutes(0.05), seeds: [1], output: "kept", baseline: false),
            processor: "P"
        ).run()
        #expect(repeated.rows[0].runs.map(\.epochs) == [3])
        let other = try ComparisonRunner(
            request([path], .minutes(0.2), seeds: [1], output: "kept", baseline: false),
            processor: "P"
        ).run()
        #expect(other.rows[0].remarks[0].contains("runs of 0.05 minutes, not of 0.2"))
        let short = try ComparisonRunner(
            request([path], .minutes(1e-6), seeds: [1], output: "short", baseline: false),
            processor: "P"
        ).run()
        #expect(short.rows[0].remarks[0].contains("an epoch of each stage takes"))
    }

    @Test func `requests that contradict themselves are refused`() throws {
        let same = ["a/x.yaml", "b/x.yaml"]
        #expect(throws: CompareError.self) {
            _ = try ComparisonRunner(request(same), processor: "")
        }
        #expect(throws: CompareError.self) {
            _ = try ComparisonRunner(request(["linear.yaml"]), processor: "")
        }
        #expect(throws: CompareError.self) {
            _ = try ComparisonRunner(request(["a.yaml"], seeds: [1, 1]), processor: "")
        }
        #expect(throws: CompareError.self) {
            _ = try ComparisonRunner(request([], nil), processor: "").report()
        }
        #expect(throws: CompareError.self) {
            _ = try ComparisonRunner(request([]), processor: "").run()
        }
    }

    @Test func `the paper's own number is that of the same network and images where there is one`()
        throws
    {
        let figures = BONN.card.figures
        func nearest(_ network: String, _ widths: String, _ images: ReportedFigure.Images?) throws
            -> ComparisonRow.Reported
        {
            try #require(
                ComparisonRow.Reported.nearest(
                    figures, network: network, widths: widths, images: images))
        }
        let own = try nearest("wrn22", "wrn22 16-16-32-64", .cifar10)
        #expect(own.isSame && abs(own.top1 - 0.8734) < 1e-9 && own.source == "S")
        let other = try nearest("wrn22", "wrn22 64-64-128-256", .cifar100)
        #expect(!other.isSame && abs(other.top1 - 0.6091) < 1e-9)
        let resnet = try nearest("resnet18", "resnet18 64-64-128-256-512", .imageNet)
        #expect(resnet.isSame && abs(resnet.top1 - 0.593) < 1e-9)
        #expect(try !nearest("vgg-small", "vgg-small 128-256-512", nil).isSame)
        #expect(
            ComparisonRow.Reported.nearest([], network: "a", widths: "a", images: nil) == nil)
        // Numbers stand in the text of the card too.
        for method in Methods.all {
            for figure in method.card.figures {
                #expect(figure.top1 > 10 && figure.top1 < 100)
            }
        }
    }
}
