import Testing

@Suite struct LimitTests {
    private let scratch: Scratch
    private let model: String
    private let commands: [[String]]

    init() throws {
        scratch = try Scratch()
        // 4 MB of weights, and more than 10^9 steps for an image.
        model = scratch.path("resnet18.bonn")
        _ = try Tool(
            "bench", "--network", "resnet18", "--input", "448", "--runs", "1", "--save", model)
        let image = try scratch.image("1.png", seed: 1)
        commands = [
            ["info", model], ["bench", model, "--runs", "1"],
            ["classify", try scratch.write(SmallModel.file()), image],
            [
                "evaluate", try scratch.write(SmallModel.file(classNames: [])), "--data",
                "synthetic:40",
            ],
        ]
    }

    @Test func `a model above a limit is refused in one line that names the options`() throws {
        for limit in [["--limit-memory", "1"], ["--limit-work", "1"]] {
            for command in commands {
                let run = try Tool(command + limit)
                let isRefused = command[1] == model
                #expect(run.status == (isRefused ? 1 : 0), "\(command + limit): \(run.errors)")
                guard isRefused else { continue }
                #expect(run.errors.count == 1 && run.output.isEmpty)
                #expect(
                    run.errors.first?.hasSuffix("(here with --limit-memory or --limit-work)")
                        == true)
            }
        }
    }

    @Test func `larger limits let it pass, for batches as well`() throws {
        let run = try Tool(
            "bench", model, "--runs", "1", "--batch", "3", "--limit-memory", "100", "--limit-work",
            "50")
        #expect(run.status == 0, "\(run.errors)")
    }

    @Test func `limits out of range are wrong options`() throws {
        for command in commands {
            for limit in ["--limit-memory=0", "--limit-work=-1", "--limit-work=9000000000"] {
                #expect(try Tool(command + [limit]).status == 64, "\(command) \(limit)")
            }
        }
    }
}
