import BONNData
import BONNModelFormat
import Foundation
import Testing

/// Every command with a standard output, input or error that is full, closed or not read to its end.
@Suite struct OutputTests {
    private let scratch: Scratch
    private let commands: [[String]]

    init() throws {
        scratch = try Scratch()
        let names = try DatasetSplits.open("synthetic:40").test.classNames
        let model = try scratch.write(SmallModel.file(classNames: names))
        let image = try scratch.image("1.png", seed: 1)
        let bench = ["bench", "--layer", "8x4x4", "--runs", "1"]
        let results = [
            ["info", model, "--layers"], ["classify", model, image],
            ["evaluate", model, "--data", "synthetic:40"], bench,
        ]
        let help = [["--help"], ["help", "bench"], ["classify", "--help"]]
        commands = results + results.map { $0 + ["--json"] } + help
    }

    @Test func `a full device is one line and exit code 1`() throws {
        try expectLoss("> /dev/full", "No space left on device")
    }

    @Test func `a closed output is one line and exit code 1`() throws {
        try expectLoss(">&-", "Bad file descriptor")
    }

    /// Every command fails with one line that says why its output is lost.
    private func expectLoss(_ redirection: String, _ reason: String) throws {
        for command in commands {
            let run = try Tool(command, shell: redirection)
            #expect(run.status == 1, "\(command)")
            #expect(run.errors == ["standard output cannot be written: \(reason)"], "\(command)")
        }
    }

    @Test func `with all three closed nothing is written into a file of the program`() throws {
        for command in commands {
            #expect(try Tool(command, shell: "<&- >&- 2>&-").status == 1, "\(command)")
        }
        let saved = scratch.path("saved.bonn")
        let bench = ["bench", "--network", "wrn22", "--runs", "1", "--save", saved]
        #expect(try Tool(bench, shell: "<&- >&- 2>&-").status == 1)
        let info = try Tool("info", saved)
        #expect(info.status == 0, "\(info.errors)")
    }

    @Test func `a closed input changes nothing`() throws {
        for command in commands {
            let run = try Tool(command, shell: "<&-")
            #expect(run.status == 0 && run.errors.isEmpty, "\(command): \(run.errors)")
            #expect(!run.output.isEmpty)
        }
    }

    @Test func `a closed error output changes nothing`() throws {
        for command in commands {
            let run = try Tool(command, shell: "2>&-")
            #expect(run.status == 0 && !run.output.isEmpty, "\(command)")
        }
    }

    @Test func `a reader that went away ends the program quietly, as any filter`() throws {
        for command in commands {
            let run = try Tool(withoutReader: command)
            #expect(run.status == 141, "\(command)")
            #expect(run.errors.isEmpty, "\(command): \(run.errors)")
        }
    }

    @Test func `names from files cannot move the cursor or forge a line`() throws {
        let hostile = "\u{1B}[2J\u{9B}31m\u{202E}a\nb\r\u{2028}\u{85}"
        var file = SmallModel.file()
        file.metadata.classNames[3] = Name(hostile)
        file.metadata.provenance[Name(hostile)] = hostile
        let model = try scratch.write(file, "hostile.bonn")
        let image = try scratch.image("x\u{1B}[31m\u{9B}\n.png", seed: 1)
        let missing = scratch.path("missing\u{1B}[2J\u{202E}")
        for arguments in [
            ["info", model, "--layers"], ["classify", model, image, missing, "--top", "10"],
            ["evaluate", model, "--data", "synthetic:40"], ["evaluate", model, "--data", missing],
            ["info", missing], ["bench", model, "--kernels", hostile],
        ] {
            for format in [[], ["--json"]] {
                let run = try Tool(arguments + format)
                for line in run.errors + run.output.split(separator: "\n").map(String.init) {
                    #expect(line.unicodeScalars.allSatisfy { isPrintable($0) }, "\(line)")
                }
            }
        }
        let json = try Tool.json("info", model)
        #expect(json["class_names"].elements[3].string?.utf8.elementsEqual(hostile.utf8) == true)
    }

    @Test func `head gets the line it asks for`() throws {
        for command in commands {
            let whole = try Tool(command).output
            let run = try Tool(command, shell: "| head -1")
            #expect(run.status == 0 && run.errors.isEmpty, "\(command): \(run.errors)")
            #expect(run.output.hasSuffix("\n") && !run.output.dropLast().contains("\n"))
            #expect(run.output.prefix(2) == whole.prefix(2))
        }
    }
}
