import BONNModelFormat
import BONNRuntime
import BONNTestSupport
import Foundation
import Testing

/// What lies in `Models/`.
@Suite struct ShippedModelTests {
    private static let folder = PythonInterpreter.repository.appending(path: "Models")

    private static func files(_ folder: URL, _ ending: String) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == ending }.sorted { $0.path < $1.path }
    }

    @Test func `a shipped model is small, proven equal to the trained one, and has its card`()
        throws
    {
        let models = try Self.files(Self.folder, "bonn")
        #expect(!models.isEmpty)
        for path in models {
            let bytes = Array(try Data(contentsOf: path))
            #expect(bytes.count < 150_000, "\(path.lastPathComponent)")
            let model = try ModelFile(bytes: bytes)
            #expect(model.metadata.parity?.top1Agreement == 1)
            #expect(!model.metadata.provenance.values.contains { $0.contains(": /") })
            let info = try Tool.json("info", path.path)
            let card = try String(
                contentsOf: path.deletingPathExtension().appendingPathExtension("md"),
                encoding: .utf8)
            let digest = try #require(info["sha256"].string)
            #expect(card.contains("| sha256 | \(digest) |"))
        }
    }

    @Test func `the demo's drawings are seen for what they are, with every kernel set`() throws {
        let drawings = try Self.files(Self.folder.appending(path: "drawings"), "png")
        #expect(drawings.count == 6)
        for kernels in KernelSet.available {
            let run = try Tool(
                ["classify", Self.folder.appending(path: "wrn22-cifar10.bonn").path]
                    + drawings.map(\.path) + ["--kernels", kernels.name, "--json"])
            let seen = try run.jsonLines().map { $0["predictions"].elements.first?["name"].string }
            #expect(seen == drawings.map { $0.deletingPathExtension().lastPathComponent })
        }
    }
}
