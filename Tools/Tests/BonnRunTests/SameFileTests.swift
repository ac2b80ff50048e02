import BONNModelFormat
import Foundation
import Testing

/// Commands that write a file made from another one, when both are the same.
@Suite struct SameFileTests {
    /// Commands by their input and output; the model stands in a folder `in`.
    private static let commands:
        [(name: String, arguments: @Sendable (String, String) -> [String])] =
            [
                ("import", { ["import", $0, "--source", "bonn-resnet18", "--output", $1] }),
                ("onnx", { ["export", $0, "--format", "onnx", "--output", $1] }),
                ("card", { ["card", $0, "--data", "synthetic:40", "--output", $1] }),
                ("evaluate", { ["evaluate", $0, "--data", "synthetic:40", "--predictions", $1] }),
            ]

    @Test func `an output that is the input by any name is refused, and nothing changes`() throws {
        let scratch = try Scratch()
        let bytes = try SmallModel.file(classNames: []).serialized()
        let model = try scratch.write(bytes, "in/model.bonn")
        let (soft, hard) = (scratch.path("in/soft.bonn"), scratch.path("in/hard.bonn"))
        let files = FileManager.default
        try files.createSymbolicLink(atPath: soft, withDestinationPath: model)
        try files.linkItem(atPath: model, toPath: hard)
        let outputs = [model, soft, hard, scratch.path("in/../in/./model.bonn")]
        // Each command with one name, and the first with all of them.
        let runs =
            zip(Self.commands, outputs).map { ($0, $1) } + outputs.map { (Self.commands[0], $0) }
        for (command, output) in runs {
            let run = try Tool(command.arguments(model, output))
            #expect(run.status == 1, "\(command.name), \(output)")
            #expect(
                run.errors.last
                    == "\(output): cannot be written: is the same file as \(model), which is read; "
                    + "name another one", "\(command.name): \(run.errors)")
            #expect(try Data(contentsOf: URL(filePath: model)) == Data(bytes), "\(command.name)")
        }
        let inside = try files.contentsOfDirectory(atPath: scratch.path("in")).sorted()
        #expect(inside == ["hard.bonn", "model.bonn", "soft.bonn"])
    }

    @Test func `other files that a command reads are refused too`() throws {
        let scratch = try Scratch()
        let model = try scratch.write(SmallModel.file(classNames: []))
        let names = try scratch.write(Array("oak\n".utf8), "names.txt")
        let rows = "epoch,train_loss,train_top1,test_top1,seconds\n1,1,0.5,0.5,1\n"
        let metrics = try scratch.write(Array(rows.utf8), "metrics.csv")
        let header = try scratch.write(SmallModel.file(), "c/net.h")
        for (arguments, kept, text) in [
            (
                [
                    "import", model, "--source", "bonn-resnet18", "--class-names", names,
                    "--output", names,
                ], names, "oak\n"
            ),
            (
                [
                    "card", model, "--data", "synthetic:40", "--metrics", metrics, "--output",
                    metrics,
                ], metrics, rows
            ),
        ] {
            let run = try Tool(arguments)
            #expect(run.status == 1 && run.errors.count == 1, "\(run.errors)")
            #expect(run.errors.first?.contains("is the same file as") == true, "\(run.errors)")
            #expect(try String(contentsOfFile: kept, encoding: .utf8) == text)
        }
        // A model that is called as a file of the folder that C is written to.
        let before = try Data(contentsOf: URL(filePath: header))
        let run = try Tool(
            "export", header, "--format", "c", "--name", "net", "--output", scratch.path("c"))
        #expect(run.status == 1 && run.errors.first?.contains("is the same file") == true)
        #expect(try Data(contentsOf: URL(filePath: header)) == before)
        let folder = try FileManager.default.contentsOfDirectory(atPath: scratch.path("c"))
        #expect(folder == ["net.h"])
    }
}
