import BONNMethods
import BONNModelFormat
import BONNNetworks
import Foundation
import Testing

@testable import BONNTrainer

@Suite(.serialized) struct CommandLineTests {
    private let folder = TemporaryFolder()

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test(arguments: [
        (["train"], 64, "--data is missing"),
        (["train", "--data", "synthetic", "--model", "wrn23"], 64, "did you mean wrn22"),
        (["train", "--data", "synthetic", "--epochs", "ten"], 64, "--epochs ten: schedule.epochs"),
        (["train", "--data", "synthetic", "--set", "losses.kernl=1"], 64, "mean losses.kernel"),
        (["train", "--data", "synthetic", "--set", "losses.kernel"], 64, "expected section.key="),
        (["train", "--data", "synthetic", "--widths", "16-16"], 1, "model.widths"),
        (["train", "--data", "/nonexistent/x"], 1, "/nonexistent/x"),
        (["train", "--data", "synthetic", "--config", "/nonexistent/r.yaml"], 1, "No such file"),
        (["train", "--resume"], 64, "--resume needs --output"),
        (["train", "--data", "synthetic:20", "--device", "cuda:9"], 1, "cuda:9"),
        (["evaluate", "/nonexistent/c", "--data", "synthetic"], 1, "/nonexistent/c"),
        (["data", "download", "cifar11"], 64, "expected one of cifar10, cifar100"),
        (["data", "info", "/nonexistent/x"], 1, "/nonexistent/x: no such folder"),
        (["frobnicate"], 64, "frobnicate"),
    ])
    func `a mistake gives one line and its exit code`(
        arguments: [String], status: Int, expected: String
    ) throws {
        let ending = try Tool(
            arguments
                + (arguments[0] == "train" && !arguments.contains("--resume")
                    ? ["--output", folder.path + "/run"] : [])
        ).wait()
        #expect(Int(ending.status) == status, "\(ending.errors)")
        let line = ending.errors.split(separator: "\n").first.map(String.init) ?? ""
        #expect(line.hasPrefix("Error: ") && line.contains(expected), "\(ending.errors)")
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `a script of completions knows the commands and their options`(shell: String) throws {
        let script = try Tool.run("--generate-completion-script", shell)
        #expect(script.status == 0 && script.errors.isEmpty, "\(script.errors)")
        for word in ["train", "evaluate", "export", "recipe", "learning-rate", "resume"] {
            #expect(script.output.contains(word), "\(shell): \(word)")
        }
    }

    @Test func `train, evaluate and summary report what scripts rely on`() throws {
        let run = folder.path + "/run"
        let trained = try Tool.run(
            "train", "--data", "synthetic:40", "--widths", "2-2-2-4", "--epochs", "1",
            "--batch-size", "20", "--threads", "1", "--set", "augmentation.image_size=8", "--json",
            "--output", run)
        try #require(trained.status == 0, "\(trained.errors)")
        let report = try object(trained.output)
        #expect(report["finished"] as? Bool == true)
        let again = try Tool.run("train", "--data", "synthetic:40", "--output", run)
        #expect(again.status == 64 && again.errors.contains("holds a run already"))

        let evaluated = try Tool.run(
            "evaluate", run + "/last.safetensors", "--data", "synthetic:40", "--json",
            "--threads", "1")
        try #require(evaluated.status == 0, "\(evaluated.errors)")
        let measured = try object(evaluated.output)
        #expect(measured["images"] as? Int == 10)
        #expect(measured["top1"] as? Double == report["best_top1"] as? Double)
        #expect(measured["top5"] is Double && (measured["confusion"] as? [[Int]])?.count == 10)

        let summary = try Tool.run("summary", run + "/last.safetensors", "--json")
        try #require(summary.status == 0, "\(summary.errors)")
        let facts = try object(summary.output)
        // 6 + 6 convolutions of 2x2 channels, one of 4x2, 5 of 4x4, each of 3x3 weights.
        #expect(facts["binary_parameters"] as? Int == 9 * (12 * 4 + 8 + 5 * 16))
        for key in ["real_parameters", "binary_macs", "real_macs", "model_bytes"] {
            #expect((facts[key] as? Int ?? 0) > 0, "\(key)")
        }
    }

    @Test func `keys of a stored run's method can be given with --resume and --from`() throws {
        let tiny = [
            "--data", "synthetic:40", "--widths", "2-2-2-4", "--batch-size", "20", "--threads", "1",
            "--set", "augmentation.image_size=8",
        ]
        let run = folder.path + "/run"
        let first = try Tool(
            ["train", "--method", "xnor", "--epochs", "1", "--set", "method.weights=real"] + tiny
                + ["--output", run]
        ).wait()
        try #require(first.status == 0, "\(first.errors)")
        let more = try Tool.run(
            "train", "--resume", "--output", run, "--epochs", "2", "--set", "method.source=paper")
        #expect(more.status == 0, "\(more.errors)")
        let other = try Tool.run(
            "train", "--resume", "--output", run, "--set", "method.source=code")
        #expect(
            other.errors.contains("was trained with method.source = paper, not code"),
            "\(other.errors)")
        let from = ["train", "--epochs", "1", "--from", run + "/last.safetensors"] + tiny
        let kept = try Tool(
            from + ["--output", folder.path + "/kept", "--set", "method.source=code"]
        ).wait()
        #expect(kept.status == 0 && kept.errors.contains("method.weights is real as in"), "\(kept)")
        let binary = try Tool(
            from + ["--output", folder.path + "/binary", "--set", "method.weights=quantized"]
        ).wait()
        #expect(binary.status == 0 && !binary.errors.contains("is real as in"), "\(binary)")
    }

    @Test func `verify tells a model of another checkpoint from a wrong one`() throws {
        let (first, second) = (folder.path + "/first", folder.path + "/second")
        let model = folder.path + "/first.bonn"
        for (seed, run) in [(1, first), (2, second)] {
            let ending = try Tool.run(
                "train", "--data", "synthetic:40", "--widths", "2-2-2-4", "--epochs", "1",
                "--batch-size", "20", "--threads", "1", "--set", "augmentation.image_size=8",
                "--seed", "\(seed)", "--output", run)
            try #require(ending.status == 0, "\(ending.errors)")
        }
        let exported = try Tool.run(
            "export", first + "/best.safetensors", "--data", "synthetic:40", "--output", model)
        try #require(exported.status == 0, "\(exported.errors)")
        func verify(_ run: String) throws -> Tool.Ending {
            try Tool.run("verify", run + "/best.safetensors", model, "--data", "synthetic:40")
        }
        #expect(try verify(first).status == 0)
        let other = try verify(second)
        #expect(other.status == 1, "\(other)")
        let digests = try [second, first].map {
            try Checkpoint(path: $0 + "/best.safetensors").weightsDigest
        }
        #expect(
            other.errors.contains(
                "\(model) was exported from another checkpoint than \(second)/best.safetensors: "
                    + "expected weights with the SHA-256 \(digests[0]), found \(digests[1])"),
            "\(other)")
        // A file without the digest is compared image by image.
        var file = try ModelFile(bytes: File.bytes(of: model))
        #expect(file.metadata.provenance.removeValue(forKey: "weights_sha256") == "\(digests[1])")
        try File.replace(model, with: file.serialized())
        #expect(try verify(first).status == 0)
        let compared = try verify(second)
        #expect(compared.status == 1 && compared.errors.contains("does not compute"), "\(compared)")
    }

    @Test func `export with 8-bit layers says what they cost, and verify knows them`() throws {
        let (run, model) = (folder.path + "/run", folder.path + "/int8.bonn")
        let ending = try Tool.run(
            "train", "--data", "synthetic:40", "--widths", "2-2-2-4", "--epochs", "1",
            "--batch-size", "20", "--threads", "1", "--set", "augmentation.image_size=8",
            "--output", run)
        try #require(ending.status == 0, "\(ending.errors)")
        let checkpoint = run + "/best.safetensors"
        let blind = try Tool.run("export", checkpoint, "--int8", "--output", model)
        #expect(blind.status != 0 && blind.errors.contains("--data"), "\(blind)")
        let exported = try Tool.run(
            "export", checkpoint, "--int8", "--data", "synthetic:40", "--output", model, "--json")
        try #require(exported.status == 0, "\(exported.errors)")
        let report = try object(exported.output)
        let int8 = try #require(report["int8"] as? [String: Any])
        let parity = try #require(report["parity"] as? [String: Any])
        #expect(parity["max_abs_difference"] as? Double == 0)
        #expect(int8["calibration_images"] as? Int == 40)
        for key in ["top1_before", "top1_after"] {
            #expect((0...1).contains(int8[key] as? Double ?? -1), "\(key)")
        }
        let provenance = try ModelFile(bytes: File.bytes(of: model)).metadata.provenance
        for key: Name in [
            "int8_stem_limit", "int8_head_limit", "int8_top1_before", "int8_top1_after",
        ] {
            #expect(Double(provenance[key] ?? "") != nil, "\(key)")
        }
        let verified = try Tool.run("verify", checkpoint, model, "--data", "synthetic:40")
        #expect(verified.status == 0, "\(verified)")
    }

    @Test func `training on PNG files gives the bits of training on the binary form`() throws {
        let (images, binary) = (folder.path + "/images", folder.path + "/binary")
        for arguments in [
            ["data", "convert", "synthetic:40", "--to", "images", "--output", images],
            ["data", "convert", images, "--by-file-name", "--to", "cifar10", "--output", binary],
        ] {
            let ending = try Tool(arguments).wait()
            try #require(ending.status == 0, "\(ending.errors)")
        }
        let facts = try [images, binary].map { path in
            try object(Tool.run("data", "info", path, "--by-file-name", "--json").output)
        }
        #expect(facts.map { $0["kind"] as? String } == ["image_folder", "cifar10"])
        for split in ["train", "test"] {
            let digests = facts.map { ($0[split] as? [String: Any])?["sha256"] as? String }
            #expect(digests[0]?.count == 64 && digests[0] == digests[1], "\(split)")
        }
        let results = try [images, binary].map { path in
            let ending = try Tool.run(
                "train", "--data", path, "--set", "data.folder_order=file_name", "--epochs", "1",
                "--batch-size", "16", "--widths", "2-2-2-2", "--threads", "1", "--output",
                path + "-run")
            try #require(ending.status == 0, "\(ending.errors)")
            var result = try RunResult(path + "-run")
            result.state.dataset.kind = ""
            result.state.dataset.trainDigest = nil
            result.state.dataset.testDigest = nil
            return result
        }
        let difference = results[0].difference(from: results[1])
        #expect(difference == nil)
    }

    @Test func `the parameters of the paper's network are counted as the paper counts them`() throws
    {
        let summary = try Tool.run("summary", "--widths", "16-16-32-64", "--json")
        let facts = try object(summary.output)
        // 6 x 16x16, 16x32, 5 x 32x32, 32x64, 5 x 64x64 kernels of 3x3: 0.27 M with stem and head.
        let binary = 9 * (6 * 256 + 512 + 5 * 1024 + 2048 + 5 * 4096)
        #expect(facts["binary_parameters"] as? Int == binary)
        let real = facts["real_parameters"] as? Int ?? 0
        #expect(binary + real > 270_000 && binary + real < 276_000)
    }

    @Test func `the benchmark and the lists speak JSON`() throws {
        let measured = try Tool.run(
            "benchmark", "--widths", "2-2-2-2", "--batch-size", "4", "--steps", "3", "--threads",
            "1", "--image-size", "8", "--json")
        try #require(measured.status == 0, "\(measured.errors)")
        let facts = try object(measured.output)
        let rate = try #require(facts["images_per_second"] as? Double)
        let step = try #require(facts["step_ms_median"] as? Double)
        #expect(abs(rate - 4000 / step) < 0.02 * rate)
        for command in ["methods", "networks", "models"] {
            let list = try Tool.run(command, "--json")
            let entries = try JSONSerialization.jsonObject(with: Data(list.output.utf8))
            let names = try #require(entries as? [[String: Any]]).compactMap {
                $0["name"] as? String
            }
            let all = command == "methods" ? Methods.names : Networks.all.map(\.name)
            #expect(names == all, "\(command)")
        }
        let methods = try Tool.run("methods", "--json")
        let cards = try JSONSerialization.jsonObject(with: Data(methods.output.utf8))
        for card in try #require(cards as? [[String: Any]]) {
            let name = try #require(card["name"] as? String)
            let settings = try #require(card["settings"] as? [[String: String]])
            let printed = try Tool.run("recipe", "--method", name).output
            for setting in settings {
                let key = try #require(setting["key"]?.split(separator: "."))
                let text = setting["default"] == "" ? "\"\"" : setting["default"] ?? "none"
                let line = "\n  \(key[1]): \(text) "
                #expect(key[0] == "method" && printed.contains(line), "\(name): \(line)")
            }
            let section = try #require(printed.components(separatedBy: "\nmethod:\n").last)
            let lines = section.components(separatedBy: "\n").prefix { !$0.isEmpty }
            #expect(lines.count == settings.count + 3, "\(name): name, both widths, its own")
        }
        let lines = try Tool.run("methods").output.split(separator: "\n").map { line in
            line.split(separator: " ").joined(separator: " ")
        }
        #expect(lines.contains { $0.hasPrefix("method.reading A what w multiplies") })
        let recipe = try Tool.run("recipe", "--set", "schedule.epochs=7")
        #expect(try Recipe.read(yaml: recipe.output, source: "out").schedule.epochs == 7)
    }
}
