import BONNModelFormat
import Foundation
import Testing

@testable import bonn_run

@Suite struct DocumentedExportTests {
    @Test(arguments: ["wrn22", "wrn22-int8", "lenet5"])
    func `Documentation states what export prints of a network`(_ name: String) throws {
        let scratch = try Scratch()
        let network = try #require(BenchmarkNetwork(named: name))
        let file = try network.file(side: network.defaultSide)
        let model = try scratch.write(file, "\(name).bonn")
        let result = try Tool.json("export", model, "--format", "c", "--output", scratch.path("c"))
        let shape = file.metadata.graph.input.shape
        let figures = ["table_bytes", "arena_bytes", "binary_macs", "real_macs"].map {
            "\(result["figures"][Name($0)].number?.int ?? -1)"
        }
        let row =
            "| \(name) | \(shape.height) x \(shape.width) x \(shape.channels) | "
            + figures.joined(separator: " | ") + " |"
        let page = URL(filePath: #filePath)
            .appending(path: "../../../../Documentation/c-export.md").standardized
        let text = try String(contentsOf: page, encoding: .utf8)
        #expect(text.split(separator: "\n").contains { $0 == row }, "\(row)")
    }
}
