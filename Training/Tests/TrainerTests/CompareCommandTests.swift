import BONNData
import Foundation
import Testing

@testable import BONNTrainer

/// `bonn compare` as a process of its own.
@Suite(.serialized) struct CompareCommandTests {
    private let folder = TemporaryFolder()

    private func recipe(_ name: String, _ lines: String) throws -> String {
        let path = folder.path + "/\(name).yaml"
        let common = """
            data:
              batch_size: 16
            augmentation:
              image_size: 8
              padding: 1
            model:
              widths: 2-2-4-4
            optimizer:
              name: adam
              learning_rate: 0.01

            """
        try Data((common + lines).utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    private func recipes() throws -> [String] {
        [
            try recipe("xnor", "method:\n  name: xnor\n"),
            try recipe("bonn", "method:\n  name: bonn\nlosses:\n  fine_tuning_fraction: 0.5\n"),
        ]
    }

    private func arguments(
        _ recipes: [String], _ output: String, checkpoints: String = "1e-7"
    ) -> [String] {
        [
            "compare", "--data", "synthetic:48", "--epochs", "2", "--seeds", "1,2", "--threads",
            "1", "--set", "run.checkpoint_minutes=\(checkpoints)", "--output",
            folder.path + "/" + output,
        ] + recipes
    }

    /// The JSON of a table, without what depends on the clock and the folder.
    private func table(_ output: String) throws -> NSDictionary {
        let data = try Data(
            contentsOf: URL(fileURLWithPath: folder.path + "/\(output)/compare.json"))
        let text = String(decoding: data, as: UTF8.self)
            .replacingOccurrences(of: folder.path + "/\(output)", with: "")
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return try #require(Self.timeless(object) as? NSDictionary)
    }

    private static func timeless(_ value: Any) -> Any {
        let clock = ["minutes", "images_per_second", "milliseconds"]
        if let object = value as? [String: Any] {
            return object.filter { !clock.contains($0.key) }.mapValues(timeless)
        }
        return (value as? [Any])?.map(timeless) ?? value
    }

    @Test func `a comparison that is killed again and again ends with the same table`() throws {
        let recipes = try recipes()
        let whole = try Tool(arguments(recipes, "whole")).wait()
        try #require(whole.status == 0, "\(whole)")
        var random = SeededGenerator(seed: 7)
        var kills = 0
        while true {
            let tool = try Tool(arguments(recipes, "killed"))
            if kills < 8 {
                Thread.sleep(forTimeInterval: random.uniform(0.05, 2.5))
                kill(tool.identifier, SIGKILL)
            }
            let ending = try tool.wait()
            guard ending.wasKilled else {
                #expect(ending.status == 0, "\(ending)")
                break
            }
            kills += 1
        }
        #expect(kills > 0)
        #expect(try table("killed") == table("whole"))
        for run in ["xnor/seed-1", "xnor/seed-2", "bonn/seed-1", "bonn/seed-2"] {
            let difference = try RunResult(folder.path + "/killed/" + run)
                .difference(from: RunResult(folder.path + "/whole/" + run))
            #expect(difference == nil, "\(run)")
        }
    }

    /// It is killed between its last checkpoint and its tables, which then lack the last epoch.
    @Test func `a finished run without its last rows gets them`() throws {
        let recipe = try recipe("bonn", "method:\n  name: bonn\n")
        let first = try Tool(arguments([recipe], "out")).wait()
        try #require(first.status == 0, "\(first)")
        for table in ["metrics.csv", "layers.csv"] {
            let path = folder.path + "/out/bonn/seed-2/" + table
            let rows = try String(contentsOfFile: path, encoding: .utf8)
            let fewer = rows.split(separator: "\n").dropLast().joined(separator: "\n") + "\n"
            try Data(fewer.utf8).write(to: URL(fileURLWithPath: path))
            let again = try Tool(arguments([recipe], "out")).wait()
            try #require(again.status == 0, "\(again)")
            #expect(try String(contentsOfFile: path, encoding: .utf8) == rows)
        }
    }

    @Test func `what bonn train left is the same run, and is not trained again`() throws {
        let recipes = try recipes()
        let run = folder.path + "/out/xnor/seed-2"
        let trained = try Tool.run(
            "train", "--data", "synthetic:48", "--config", recipes[0], "--epochs", "2", "--seed",
            "2", "--threads", "1", "--output", run)
        try #require(trained.status == 0, "\(trained.errors)")
        func written() throws -> Date? {
            try FileManager.default.attributesOfItem(atPath: run + "/last.safetensors")[
                .modificationDate] as? Date
        }
        let before = try written()
        let report = try Tool(["compare", "--report", "--output", folder.path + "/out"]).wait()
        #expect(report.status == 0 && report.output.contains("xnor"), "\(report)")
        let compared = try Tool(arguments(recipes, "out", checkpoints: "10")).wait()
        try #require(compared.status == 0, "\(compared)")
        #expect(try written() == before)
        let whole = try Tool(arguments(recipes, "other", checkpoints: "10")).wait()
        try #require(whole.status == 0, "\(whole)")
        #expect(try table("out") == table("other"))
        // The baseline is a recipe like any other.
        let baseline = try Tool.run(
            "train", "--data", "synthetic:48", "--config", folder.path + "/out/linear.yaml",
            "--epochs", "2", "--seed", "1", "--threads", "1", "--output", folder.path + "/linear")
        try #require(baseline.status == 0, "\(baseline.errors)")
        let linear = try Checkpoint(path: folder.path + "/linear/last.safetensors")
        let compare = try Checkpoint(path: folder.path + "/out/linear/seed-1/last.safetensors")
        #expect(linear.weightsDigest == compare.weightsDigest)
    }

    @Test func `the exit code tells, and the table is printed`() throws {
        let good = try recipe("good", "method:\n  name: xnor\n")
        let bad = try recipe("bad", "method:\n  nmae: xnor\n")
        let output = folder.path + "/out"
        let common = ["--data", "synthetic:48", "--epochs", "1", "--threads", "1"]
        let ending = try Tool(
            ["compare", "--output", output, "--baseline", "none", "--json"] + common + [bad, good]
        ).wait()
        #expect(ending.status == 1, "\(ending)")
        let printed = try JSONSerialization.jsonObject(with: Data(ending.output.utf8))
        let rows = try #require((printed as? [String: Any])?["rows"] as? [[String: Any]])
        #expect(rows.count == 2 && (rows[0]["failure"] as? String)?.contains("nmae") == true)
        #expect(ending.errors.contains("1/2") || ending.errors.contains("2/2"))
        let fine = try Tool(
            ["compare", "--output", output, "--baseline", "none"] + common + [good]
        ).wait()
        #expect(
            fine.status == 0 && fine.output.contains("good") && fine.output.contains("1/1"),
            "\(fine)")
        let report = try Tool(["compare", "--report", "--output", output, good]).wait()
        #expect(report.status == 0 && report.output.contains("1/1"), "\(report)")
        #expect(
            try Tool(["compare", "--report", "--output", folder.path + "/no"]).wait().status == 64)
        for (arguments, part) in [
            (["compare", good], "--epochs or --minutes"),
            (["compare", "--epochs", "1"], "expected recipes"),
            (["compare", "--epochs", "1", "--minutes", "1", good], "not both"),
            (["compare", "--epochs", "1", "--seeds", "1,1", good], "--seeds 1,1"),
            (["compare", "--epochs", "1", "--seeds", "0", good], "count from 1"),
            (["compare", "--minutes", "0", good], "above 0"),
        ] {
            let ending = try Tool(arguments, in: folder.path).wait()
            #expect(ending.status == 64 && ending.errors.contains(part), "\(ending)")
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a comparison that is asked to stop says where it is and goes on`(signal: Int32) throws {
        let recipes = try recipes()
        let tool = try Tool(arguments(recipes, "stopped"))
        // After a checkpoint the handler stands.
        let path = folder.path + "/stopped/xnor/seed-1/last.safetensors"
        while tool.isRunning && !File.exists(path) { usleep(2000) }
        kill(tool.identifier, signal)
        let ending = try tool.wait()
        #expect(ending.status == 128 + signal, "\(ending)")
        #expect(ending.output.contains("stopped after"), "\(ending)")
        let again = try Tool(arguments(recipes, "stopped")).wait()
        #expect(again.status == 0, "\(again)")
        let whole = try Tool(arguments(recipes, "whole")).wait()
        #expect(whole.status == 0, "\(whole)")
        #expect(try table("stopped") == table("whole"))
    }
}
