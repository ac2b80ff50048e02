import BONNInterop
import BONNModelFormat
import BONNTerminal
import Foundation

/// A model in another format: its files, not yet written, and what is told about them.
struct ExportedModel {
    struct File {
        let path: String
        let bytes: [UInt8]
    }

    /// The files, that by which the others are found last.
    let files: [File]
    /// What `--json` says of it.
    let figures: JSONValue
    /// The same for a person.
    let rows: [[String]]

    /// C99, in a folder.
    static func c(_ model: ModelFile, name: CName, folder: String) throws(InteropError) -> Self {
        let export = try CExport(model, name: name)
        let place = URL(fileURLWithPath: folder)
        return Self(
            files: export.files.map {
                File(path: place.appendingPathComponent($0.name).relativePath, bytes: $0.bytes)
            },
            figures: .members([
                "name": .string(name.text),
                "table_bytes": .int(export.tableBytes), "arena_bytes": .int(export.arenaBytes),
                "binary_macs": .int(export.binaryMACs), "real_macs": .int(export.realMACs),
            ]),
            rows: [
                ["flash", "\(export.tableBytes) bytes of tables, and the code"],
                ["RAM", "\(export.arenaBytes) bytes of arena, and the image and the logits"],
                [
                    "per image",
                    "\(export.binaryMACs) binary and \(export.realMACs) real multiply-accumulates",
                ],
            ])
    }

    /// Operators of ONNX, in one file.
    static func onnx(_ model: ModelFile, path: String) throws(InteropError) -> Self {
        let export = try ONNXExport(model)
        return Self(
            files: [File(path: path, bytes: export.bytes)],
            figures: .members([
                "bytes": .int(export.bytes.count), "opset": .int(ONNXExport.opset),
                "ir_version": .int(ONNXExport.version),
            ]),
            rows: [
                ["size", "\(export.bytes.count) bytes"],
                ["operators", "opset \(ONNXExport.opset), IR version \(ONNXExport.version)"],
            ])
    }

    /// A graph in XML and its constants beside it; that of the graph takes its place last.
    static func openvino(_ model: ModelFile, path: String) throws(InteropError) -> Self {
        let export = try OpenVINOExport(model)
        return Self(
            files: [
                File(path: path, bytes: export.graph),
                File(path: "\(path.dropLast(4)).bin", bytes: export.constants),
            ],
            figures: .members([
                "bytes": .int(export.graph.count + export.constants.count),
                "ir_version": .int(OpenVINOExport.version),
                "binary_layers": .int(export.binaryLayers),
            ]),
            rows: [
                ["size", "\(export.graph.count + export.constants.count) bytes"],
                [
                    "layers",
                    "\(export.binaryLayers) are BinaryConvolution, IR version \(OpenVINOExport.version)",
                ],
            ])
    }

    /// Tensors, in one file.
    static func tensors(_ export: TensorExport, bytes: [UInt8], path: String) -> Self {
        let packed = export.tensors.count { $0.elementType == .u8 }
        return Self(
            files: [File(path: path, bytes: bytes)],
            figures: .members([
                "bytes": .int(bytes.count), "tensors": .int(export.tensors.count),
                "binary_weights": .int(packed),
            ]),
            rows: [
                ["size", "\(bytes.count) bytes"],
                [
                    "tensors",
                    "\(export.tensors.count), \(packed) of them bits of 1-bit weights that stand there as "
                        + "bytes too",
                ],
            ])
    }
}
