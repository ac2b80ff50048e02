import BONNModelFormat
import BONNRuntime
import Foundation
import Testing

@testable import bonn_run

@Suite struct CardTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func metrics(_ rows: [String]) throws -> String {
        let text =
            (["epoch,train_loss,train_top1,test_top1,seconds"] + rows).joined(separator: "\n")
            + "\n"
        return try scratch.write(Array(text.utf8), "metrics.csv")
    }

    @Test func `a card says what evaluate and info say, the curve and the recipe`() throws {
        var file = SmallModel.file(classNames: [])
        file.metadata.provenance["recipe"] = "run:\n  seed: 1\n```\nafter the fence\n"
        file.metadata.provenance["note"] = "a | b"
        let path = try scratch.write(file)
        let curve = try metrics(["1,2.25,0.1,,10", "2,1.5,0.25,0.3125,30", "3,1.25,0.5,0.5,12"])
        let output = scratch.path("card.md")
        let run = try Tool(
            "card", path, "--data", "synthetic:240", "--metrics", curve, "--fact", "cores=2",
            "--output", output)
        #expect(run.status == 0 && run.output.isEmpty, "\(run.errors)")
        let lines = try String(contentsOfFile: output, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false
        ).map(String.init)

        let measured = try Tool(
            "evaluate", path, "--data", "synthetic:240", "--confusion", "--json"
        ).json()
        let top1 = String(format: "%.2f", 100 * (try #require(measured["top1"].number?.double)))
        #expect(lines.contains { $0.hasPrefix("| top-1 | \(top1) % of 60 test images of ") })
        for (name, row) in measured["confusion"]["counts"].elements.enumerated() {
            let counts = row.elements.compactMap { $0.number?.int }.map(String.init)
            #expect(lines.contains("| \(name) | " + counts.joined(separator: " | ") + " |"))
        }
        #expect(lines.first == "# model.bonn")
        let info = try Tool.json("info", path)
        #expect(lines.contains("| sha256 | \(info["sha256"].string ?? "") |"))
        #expect(lines.contains("| cores | 2 |"))
        #expect(lines.contains("| note | a \\| b |"))
        #expect(
            lines.contains(
                "3 epochs in 0.01 hours; 0.01 hours at the pace of the median epoch, 12.0 seconds.")
        )
        #expect(!lines.contains { $0.hasPrefix("| 1 | 2.2500 ") })
        #expect(lines.contains("| 2 | 1.5000 | 25.00 | 31.25 |"))
        #expect(lines.contains("| 3 | 1.2500 | 50.00 | 50.00 |"))
        let fence = try #require(lines.firstIndex(of: "````yaml"))
        #expect(
            lines[(fence + 1)...] == ["run:", "  seed: 1", "```", "after the fence", "````", ""])
    }

    @Test func `what is told of a model needs no second reading of its file`() throws {
        let path = try scratch.write(SmallModel.file())
        let source = try Model.Source(path: path)
        let expected = try ModelSummary(path: path, limits: .standard)
        try FileManager.default.removeItem(atPath: path)
        let classifier = try ImageClassifier(source, kernels: .best, limits: .standard)
        let summary = try ModelSummary(source, model: classifier.model)
        #expect(summary.rows == expected.rows)
        #expect(summary.json == expected.json)
    }

    @Test(arguments: [
        ([], "no epoch"), (["1,2,0.1,0.1"], "expected 5 cells"), (["1,x,0.1,0.1,3"], "numbers"),
        (["1,2,0.1,x,3"], "test_top1"),
    ])
    func `a table that is none of a run leaves one line and no card`(
        rows: [String], part: String
    ) throws {
        let path = try scratch.write(SmallModel.file(classNames: []))
        let output = scratch.path("card.md")
        let run = try Tool(
            "card", path, "--data", "synthetic:40", "--metrics", try metrics(rows), "--output",
            output)
        #expect(run.status == 1)
        #expect(run.errors.last?.contains(part) == true, "\(run.errors)")
        #expect(!FileManager.default.fileExists(atPath: output))
    }

    @Test func `the last epoch of a long run is on its card`() throws {
        let path = try scratch.write(SmallModel.file(classNames: []))
        let curve = try metrics((1...997).map { "\($0),1,0.5,0.5,1" })
        let output = scratch.path("card.md")
        let run = try Tool(
            "card", path, "--data", "synthetic:40", "--metrics", curve, "--output", output)
        #expect(run.status == 0, "\(run.errors)")
        let card = try String(contentsOfFile: output, encoding: .utf8)
        #expect(card.contains("\n| 997 | 1.0000 |"))
        #expect(
            card.split(separator: "\n").filter { $0.hasSuffix("| 50.00 | 50.00 |") }.count == 26)
    }
}
