import ArgumentParser
import BONNImageIO
import BONNInterop
import BONNModelFormat
import BONNRuntime
import BONNTerminal
import Foundation

/// `bonn-run export`.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a model for another program.",
        discussion: """
            c: a network in C99 for devices without an operating system: NAME.h, NAME.c and the kernels \
            (bonn_*.h), in a folder. It gives the bits of the runtime; Documentation/c-export.md shows how \
            to build it.

            onnx: signs and convolutions in float32, for any runtime of ONNX; \
            Documentation/exporting.md says what is exact in it.

            openvino: IR version 11, NAME.xml and NAME.bin, with binary convolutions that its CPU plugin compiles.

            safetensors, npz: all tensors by name, 1-bit weights as signed bytes -1 and +1 and as bits, and \
            the graph as JSON, for programs that compute with them otherwise.

            Examples:
              bonn-run export flowers.bonn --format c --output firmware/flowers
              bonn-run export flowers.bonn --format onnx --output flowers.onnx
              bonn-run export flowers.bonn --format openvino --output flowers.xml
              bonn-run export flowers.bonn --format safetensors --output flowers.safetensors
            """)

    /// What a model is written as.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        /// C99 for devices.
        case c
        /// Operators of ONNX.
        case onnx
        /// A graph in XML and its constants.
        case openvino
        /// Tensors by name.
        case safetensors
        /// The same as an archive of NumPy's.
        case npz
    }

    @Argument(help: "A model file.", completion: .file())
    var model: String

    @Option(help: "What to write: \(Format.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: Format

    @Option(
        help: ArgumentHelp("Where to; a folder for C, made if needed.", valueName: "path"),
        completion: .file())
    var output: String

    @Option(
        help: ArgumentHelp(
            "The prefix of the C identifiers and the name of the files. Unless given, that of the model's "
                + "file.", valueName: "name"))
    var name: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if name != nil, format != .c {
            throw ValidationError(
                "--name goes with --format c; with \(format.rawValue), leave it out.")
        }
        if format == .openvino, !output.hasSuffix(".xml") {
            throw ValidationError(
                "--output '\(printable(output, limit: 60))': expected a path that ends in .xml; the "
                    + "constants are written beside it, as .bin.")
        }
    }

    func run() throws {
        let source = try Model.Source(path: model)
        let exported: ExportedModel
        do {
            exported = try converted(source.file)
        } catch {
            throw InteropError(error.code, "\(model): \(error.message)")
        }
        if format == .c { try makeFolder() }
        try write(exported.files[...])
        guard !json else {
            return try Terminal.json(
                .members([
                    "model": .string(model), "format": .string(format.rawValue),
                    "files": .strings(exported.files.map(\.path)), "figures": exported.figures,
                ]))
        }
        let paths = exported.files.map(\.path).joined(separator: ", ")
        try Terminal.table([["files", paths]] + exported.rows, left: [0, 1])
    }

    private func converted(_ file: ModelFile) throws(InteropError) -> ExportedModel {
        switch format {
        case .c:
            let prefix = if let name { try CName(name) } else { try CName(suggestedBy: model) }
            return try .c(file, name: prefix, folder: output)
        case .onnx: return try .onnx(file, path: output)
        case .openvino: return try .openvino(file, path: output)
        case .safetensors:
            let export = try TensorExport(file)
            return .tensors(export, bytes: try export.safetensors(), path: output)
        case .npz:
            let export = try TensorExport(file)
            return .tensors(export, bytes: try export.npz(), path: output)
        }
    }

    private func makeFolder() throws {
        do {
            try FileManager.default.createDirectory(
                atPath: output, withIntermediateDirectories: true)
        } catch {
            throw Failure(
                "\(output): the folder cannot be made: \(error.localizedDescription)")
        }
    }

    /// Writes all files beside their places before any of them takes its own, the last one last.
    private func write(_ files: ArraySlice<ExportedModel.File>) throws {
        guard let last = files.last else { return }
        let file = try WholeFile(path: last.path, madeFrom: [model])
        try file.write(last.bytes)
        try write(files.dropLast())
        try file.commit()
    }
}
