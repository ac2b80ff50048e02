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

            Example:
              bonn-run export flowers.bonn --format c --output firmware/flowers
            """)

    /// What a model is written as.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        /// C99 for devices.
        case c
    }

    @Argument(help: "A model file.", completion: .file())
    var model: String

    @Option(help: "What to write: \(Format.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: Format

    @Option(
        help: ArgumentHelp("Where to: a folder for C, made if needed.", valueName: "path"),
        completion: .file())
    var output: String

    @Option(
        help: ArgumentHelp(
            "The prefix of the C identifiers and the name of the files. Unless given, that of the model's "
                + "file.", valueName: "name"))
    var name: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() throws {
        let source = try Model.Source(path: model)
        switch format {
        case .c: try exportC(source.file)
        }
    }

    private func exportC(_ file: ModelFile) throws {
        let name = try name.map { try CName($0) } ?? CName(suggestedBy: model)
        let export: CExport
        do {
            export = try CExport(file, name: name)
        } catch {
            throw InteropError(error.code, "\(model): \(error.message)")
        }
        try write(export.files)
        let folder = URL(fileURLWithPath: output)
        let paths = export.files.map { folder.appendingPathComponent($0.name).relativePath }
        guard !json else {
            return try Terminal.json(
                .members([
                    "model": .string(model), "format": .string(format.rawValue),
                    "name": .string(name.text), "files": .strings(paths),
                    "table_bytes": .int(export.tableBytes), "arena_bytes": .int(export.arenaBytes),
                    "binary_macs": .int(export.binaryMACs), "real_macs": .int(export.realMACs),
                ]))
        }
        try Terminal.table(
            [
                ["files", paths.joined(separator: ", ")],
                ["flash", "\(export.tableBytes) bytes of tables, and the code"],
                ["RAM", "\(export.arenaBytes) bytes of arena, and the image and the logits"],
                [
                    "per image",
                    "\(export.binaryMACs) binary and \(export.realMACs) real multiply-accumulates",
                ],
            ], left: [0, 1])
    }

    /// Writes all files beside their places before the first of them takes its own.
    private func write(_ files: [CExport.File]) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: output, withIntermediateDirectories: true)
        } catch {
            throw Failure(
                "\(output): the folder cannot be made: \(error.localizedDescription)")
        }
        try put(files[...])
    }

    private func put(_ files: ArraySlice<CExport.File>) throws {
        guard let first = files.first else { return }
        let file = try WholeFile(
            path: URL(fileURLWithPath: output).appendingPathComponent(first.name).relativePath)
        try file.write(first.bytes)
        // The others are written before this one is put in its place.
        try put(files.dropFirst())
        try file.commit()
    }
}
