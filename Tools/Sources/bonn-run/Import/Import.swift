import ArgumentParser
import BONNConfiguration
import BONNData
import BONNImageIO
import BONNInterop
import BONNModelFormat
import BONNTerminal

/// `bonn-run import`.
struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a model file of somebody's checkpoint or ONNX file.",
        discussion: """
            Reads what torch.save wrote (the zip format and the older one), safetensors files, and \
            ONNX files; nothing in them is executed. What a file is shows in its first bytes.

            A checkpoint holds numbers alone, so it needs --source: a published network whose \
            checkpoints are known:

            \(ImportSources.all.map { "  \($0.name)  \($0.title)" }.joined(separator: "\n"))

            or a recipe, a .yaml file that says the same of another one.

            Tensors that are missing, left over or of another shape are listed on standard error, \
            and nothing is written. An ONNX file describes its own network. Documentation/importing.md \
            shows how a recipe does, and lists the operators that are read.

            Examples:
              bonn-run import model.pth.tar --source bonn-resnet18 --output network.bonn
              bonn-run import ours.pth --source ours.yaml --output network.bonn
              bonn-run import model.onnx --output network.bonn \\
                --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --resize 256
            """)

    @Argument(help: "A checkpoint or an ONNX file.", completion: .file())
    var file: String

    @Option(
        help: ArgumentHelp(
            "Whose network a checkpoint is: \(ImportSources.all.map(\.name).joined(separator: ", ")), or a "
                + "recipe.",
            valueName: "name"), completion: .list(ImportSources.all.map(\.name)))
    var source: String?

    @Option(name: [.short, .long], help: "The model file to write.", completion: .file())
    var output: String

    @Option(
        help: ArgumentHelp("A list of class names, one a line.", valueName: "file"),
        completion: .file())
    var classNames: String?

    @OptionGroup(title: "ONNX files")
    var onnx: ONNXOptions

    @Flag(help: "Print the result as JSON.")
    var json = false

    /// Bytes; that of a source has 90 MB, and some hold the state of an optimizer too.
    private static let largestFile = 1 << 30

    func validate() throws {
        if let source, !isRecipe { _ = try chosen(source) }
    }

    /// Whether the source is a file.
    private var isRecipe: Bool {
        [".yaml", ".yml"].contains { source?.lowercased().hasSuffix($0) == true }
    }

    private func chosen(_ source: String) throws -> ImportSource {
        if isRecipe { return try described(source) }
        if let chosen = ImportSources.named(source) { return chosen }
        throw ValidationError(
            Choices.message("--source", found: source, valid: ImportSources.all.map(\.name)))
    }

    /// The source of a recipe, which is called as its file unless it says otherwise.
    private func described(_ source: String) throws -> ImportSource {
        let bytes = try Files.bytes(
            source, what: "the recipe of a source", atMost: ImportSource.longestRecipe)
        let name = source.split(separator: "/").last.map(String.init) ?? source
        var described = ImportSource.described(as: name)
        try described.read(recipe: bytes, source: source).forEach(Terminal.note)
        return described
    }

    func run() throws {
        do {
            try importFile()
        } catch let error as InteropError {
            // A list of tensors keeps its lines.
            error.message.split(separator: "\n").forEach { Terminal.note(String($0)) }
            throw ExitCode.failure
        }
    }

    private func importFile() throws {
        // Begun first, so that a path that cannot be written is noticed before the work.
        let target = try WholeFile(
            path: output,
            madeFrom: [file] + [classNames, isRecipe ? source : nil].compactMap(\.self))
        let bytes = try Files.bytes(
            file, what: "a checkpoint or an ONNX file", atMost: Self.largestFile)
        let model =
            ONNXImport.begins(bytes) ? try network(onnx: bytes) : try network(checkpoint: bytes)
        let written = try model.file.serialized()
        try target.write(written)
        try target.commit()
        guard !json else {
            return try Terminal.json(
                .object(
                    [JSONMember("model", .string(output))] + model.figures
                        + [JSONMember("bytes", .int(written.count))]))
        }
        try Terminal.table(
            model.rows + [["written", "\(output), \(written.count) bytes"]], left: [0, 1])
    }

    private func network(checkpoint bytes: [UInt8]) throws -> ImportedNetwork {
        guard let source = try source.map(chosen) else {
            throw ValidationError(
                "--source is missing: \(printable(file)) is no ONNX file, and a checkpoint does not say "
                    + "its network; name one of "
                    + ImportSources.all.map(\.name).joined(separator: ", ") + ", or a recipe.")
        }
        if let option = onnx.given.first {
            throw ValidationError(
                "\(option) goes with ONNX files; a source says the same for its checkpoints. Leave it out."
            )
        }
        let tensors = try Checkpoint(bytes, place: file)
        let classes = source.classes(of: tensors)
        let names = try names(count: classes)
        return .checkpoint(
            try ImportedModel(
                tensors, place: file, source: source, classNames: names,
                provenance: ["checkpoint_sha256": SHA256.digest(bytes).description]), of: source,
            classes: classes)
    }

    private func network(onnx bytes: [UInt8]) throws -> ImportedNetwork {
        guard source == nil else {
            throw ValidationError(
                "--source goes with checkpoints: \(printable(file)) is an ONNX file, which describes its "
                    + "own network. Leave it out.")
        }
        var options = try onnx.options()
        options.provenance = ["onnx_sha256": SHA256.digest(bytes).description]
        let model = try ONNXImport(bytes, place: file, options: options)
        return .onnx(model, classNames: try names(count: model.classCount))
    }

    private func names(count: Int) throws -> [Name] {
        try classNames.map {
            try ClassNames.read($0, what: "a list of class names", count: count...count)
        } ?? []
    }
}
