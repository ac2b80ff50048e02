import BONNInterop
import BONNModelFormat
import Foundation
import Testing

@Suite struct ExportTests {
    @Test func `C is written whole, with the figures that info counts`() throws {
        let scratch = try Scratch()
        let model = try scratch.write(SmallModel.file(), "small-net.bonn")
        let folder = scratch.path("deep/firmware")
        let result = try Tool.json("export", model, "--format", "c", "--output", folder)
        let info = try Tool.json("info", model)
        let figures = result["figures"]
        #expect(figures["name"].string == "small_net")
        #expect(figures["binary_macs"] == info["binary_macs"])
        #expect(figures["real_macs"] == info["real_macs"])
        // Weights, bits, scale, threshold, head, normalization, four windows, class names.
        let bits = 20 * 9 * 4
        #expect(
            figures["table_bytes"].number?.int
                == 4 * (16 * 27 + 16 + 1 + 200 + 10 + 6) + bits + 4 * 60 + 10 * (8 + 4))
        // The stem's result beside the normalized image; all that follows is smaller.
        #expect(figures["arena_bytes"].number?.int == 4 * (8 * 8 * 16 + 8 * 8 * 3))
        let written = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(
            written
                == [
                    "bonn_arithmetic.h", "bonn_elements.h", "bonn_layers.h", "small_net.c",
                    "small_net.h",
                ])
        #expect(
            result["files"].elements.compactMap(\.string).map { ($0 as NSString).lastPathComponent }
                .sorted() == written)
        let person = try Tool(
            "export", model, "--format", "c", "--output", folder, "--name", "other")
        #expect(person.status == 0)
        #expect(person.output.contains("other.c"))
    }

    @Test func `what cannot be written is one line, and nothing is left behind`() throws {
        let scratch = try Scratch()
        let model = try scratch.write(SmallModel.file())
        let file = try scratch.write([1], "file")
        let onFile = try Tool("export", model, "--format", "c", "--output", file)
        #expect(onFile.status == 1)
        #expect(onFile.errors.count == 1, "\(onFile.errors)")
        let folder = scratch.path("taken")
        try FileManager.default.createDirectory(
            atPath: folder + "/net.h", withIntermediateDirectories: true)
        let taken = try Tool(
            "export", model, "--format", "c", "--output", folder, "--name", "net")
        #expect(taken.status == 1)
        #expect(taken.errors.count == 1, "\(taken.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["net.h"])
        let name = try Tool(
            "export", model, "--format", "c", "--output", folder, "--name", "string")
        #expect(name.status == 1)
        #expect(name.errors.first?.contains("header") == true)
        #expect(try Tool("export", model, "--format", "cobol", "--output", folder).status == 64)
    }

    @Test func `a model becomes an ONNX file, the same every time`() throws {
        let scratch = try Scratch()
        let model = try scratch.write(SmallModel.file())
        let output = scratch.path("model.onnx")
        let result = try Tool.json("export", model, "--format", "onnx", "--output", output)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: output))
        let figures = result["figures"]
        #expect(figures["bytes"].number?.int == bytes.count)
        #expect(figures["opset"].number?.int == 13)
        #expect([UInt8](bytes) == (try ONNXExport(SmallModel.file()).bytes))
        let again = try Tool("export", model, "--format", "onnx", "--output", output)
        #expect(again.status == 0 && again.output.contains("opset 13"), "\(again.output)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: output)) == bytes)
    }

    @Test(arguments: ["safetensors", "npz"])
    func `a model becomes tensors, the same every time`(_ format: String) throws {
        let scratch = try Scratch()
        let model = try scratch.write(SmallModel.file())
        let output = scratch.path("model.\(format)")
        let result = try Tool.json("export", model, "--format", format, "--output", output)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: output)))
        let export = try TensorExport(SmallModel.file())
        #expect(try bytes == (format == "npz" ? export.npz() : export.safetensors()))
        // Seven tensors, and the bits of one of them.
        #expect(result["figures"]["tensors"].number?.int == 8)
        #expect(result["figures"]["binary_weights"].number?.int == 1)
        #expect(result["figures"]["bytes"].number?.int == bytes.count)
        let again = try Tool("export", model, "--format", format, "--output", output)
        #expect(again.status == 0 && again.output.contains("bits of 1-bit weights"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: output)) == Data(bytes))
    }

    @Test func `what cannot be exported leaves one line and no file`() throws {
        let scratch = try Scratch()
        let model = try scratch.write(SmallModel.file())
        let output = scratch.path("model.onnx")
        let bad = try scratch.write([1, 2, 3], "bad.bonn")
        for arguments in [
            [bad, "--format", "onnx", "--output", output],
            [model, "--format", "onnx", "--output", scratch.path("missing/model.onnx")],
        ] {
            let run = try Tool(["export"] + arguments)
            #expect(run.status == 1 && run.errors.count == 1, "\(run.errors)")
        }
        let named = try Tool(
            "export", model, "--format", "onnx", "--output", output, "--name", "net")
        #expect(named.status == 64 && named.errors.contains { $0.contains("--name") })
        let unknown = try Tool("export", model, "--format", "onyx", "--output", output)
        #expect(unknown.status == 64)
        #expect(!FileManager.default.fileExists(atPath: output))
    }
}
