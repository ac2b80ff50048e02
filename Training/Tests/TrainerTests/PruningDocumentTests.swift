import Foundation
import Testing

/// The command lines of Documentation/pruning.md, in their order, on a smaller network and generated images.
@Suite struct PruningDocumentTests {
    private static let root = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { url, _ in
        url.deletingLastPathComponent()
    }

    /// The commands between two lines of the document.
    private static func commands(_ part: String) throws -> [[String]] {
        let text = try String(
            contentsOf: root.appendingPathComponent("Documentation/pruning.md"), encoding: .utf8)
        let lines = text.components(separatedBy: "\n")
        let first = try #require(lines.firstIndex(of: "<!-- begin \(part) -->"))
        let last = try #require(lines.firstIndex(of: "<!-- end \(part) -->"))
        return lines[first..<last].filter { $0.hasPrefix("bonn ") }
            .map { $0.split(separator: " ").dropFirst().map(String.init) }
    }

    @Test(arguments: ["weights", "filters", "groups"])
    func `the documented commands do what they say`(part: String) throws {
        let folder = TemporaryFolder()
        try FileManager.default.createSymbolicLink(
            at: URL(fileURLWithPath: folder.path + "/recipes"),
            withDestinationURL: Self.root.appendingPathComponent("Training/recipes"))
        var outputs: [String: String] = [:]
        for command in try Self.commands(part) {
            var arguments = command.map { $0 == "cifar-10-batches-bin" ? "synthetic:96" : $0 }
            if command[0] == "train" {
                arguments += ["--set", "model.widths=4-4-6-8", "--set", "data.batch_size=32"]
                arguments += ["--set", "run.threads=1"]
            }
            let ending = try Tool(arguments, in: folder.path).wait()
            #expect(ending.status == 0, "\(command): \(ending.errors)")
            outputs[command.prefix(2).joined(separator: " "), default: ""] += ending.output
        }
        switch part {
        case "weights":
            let report = try #require(outputs["prune report"])
            #expect(report.contains("real weights") && report.contains("removed"))
            #expect(outputs["prune scan"]?.contains("standard deviations") == true)
        case "filters":
            #expect(outputs["prune filters"]?.contains("stages.2.0.0.convolution") == true)
        default:
            #expect(outputs["prune share"]?.contains("no bit is another") == true, "\(outputs)")
        }
    }
}
