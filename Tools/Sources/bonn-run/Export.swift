import ArgumentParser
import BONNImageIO
import BONNInterop
import BONNModelFormat
import BONNRuntime
import BONNTerminal

/// `bonn-run export`.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a model for another program.",
        discussion: """
            onnx: signs and convolutions in float32, for any runtime of ONNX; \
            Documentation/exporting.md says what is exact in it.

            Example:
              bonn-run export flowers.bonn --format onnx --output flowers.onnx
            """)

    /// What a model is written as.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        /// Operators of ONNX.
        case onnx
    }

    @Argument(help: "A model file.", completion: .file())
    var model: String

    @Option(help: "What to write: \(Format.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: Format

    @Option(help: ArgumentHelp("Where to.", valueName: "path"), completion: .file())
    var output: String

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() throws {
        let source = try Model.Source(path: model)
        switch format {
        case .onnx: try exportONNX(source.file)
        }
    }

    private func exportONNX(_ file: ModelFile) throws {
        let target = try WholeFile(path: output)
        let export: ONNXExport
        do {
            export = try ONNXExport(file)
        } catch {
            throw InteropError(error.code, "\(model): \(error.message)")
        }
        try target.write(export.bytes)
        try target.commit()
        guard !json else {
            return try Terminal.json(
                .members([
                    "model": .string(model), "format": .string(format.rawValue),
                    "files": .strings([output]), "bytes": .int(export.bytes.count),
                    "opset": .int(ONNXExport.opset),
                ]))
        }
        try Terminal.table(
            [
                ["file", output], ["size", "\(export.bytes.count) bytes"],
                ["operators", "opset \(ONNXExport.opset), IR version \(ONNXExport.version)"],
            ], left: [0, 1])
    }
}
