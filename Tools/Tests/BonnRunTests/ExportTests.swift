import BONNInterop
import BONNModelFormat
import Foundation
import Testing

@Suite struct ExportTests {
    @Test func `a model becomes an ONNX file, the same every time`() throws {
        let scratch = try Scratch()
        let model = try scratch.write(SmallModel.file())
        let output = scratch.path("model.onnx")
        let result = try Tool.json("export", model, "--format", "onnx", "--output", output)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: output))
        #expect(result["bytes"].number?.int == bytes.count)
        #expect(result["opset"].number?.int == 13)
        #expect([UInt8](bytes) == (try ONNXExport(SmallModel.file()).bytes))
        let again = try Tool("export", model, "--format", "onnx", "--output", output)
        #expect(again.status == 0 && again.output.contains("opset 13"), "\(again.output)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: output)) == bytes)
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
        let unknown = try Tool("export", model, "--format", "onyx", "--output", output)
        #expect(unknown.status == 64)
        #expect(!FileManager.default.fileExists(atPath: output))
    }
}
