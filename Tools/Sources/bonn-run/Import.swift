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
        abstract: "Make a model file of somebody's checkpoint.",
        discussion: """
            Reads what torch.save wrote (the zip format and the older one) and safetensors files; \
            nothing in them is executed. A source is a published network whose checkpoints are \
            known:

            \(ImportSources.all.map { "  \($0.name)  \($0.title)" }.joined(separator: "\n"))

            or a recipe, a .yaml file that says the same of another one; Documentation/importing.md \
            shows how.

            Tensors that are missing, left over or of another shape are listed on standard error, \
            and nothing is written.

            Example:
              bonn-run import model.pth.tar --source bonn-resnet18 --output network.bonn
              bonn-run import ours.pth --source ours.yaml --output network.bonn
            """)

    @Argument(help: "A checkpoint.", completion: .file())
    var checkpoint: String

    @Option(
        help: ArgumentHelp(
            "Whose network it is: \(ImportSources.all.map(\.name).joined(separator: ", ")), or a recipe.",
            valueName: "name"), completion: .list(ImportSources.all.map(\.name)))
    var source: String

    @Option(name: [.short, .long], help: "The model file to write.", completion: .file())
    var output: String

    @Option(
        help: ArgumentHelp("A list of class names, one a line.", valueName: "file"),
        completion: .file())
    var classNames: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    /// Bytes; that of a source has 90 MB, and some hold the state of an optimizer too.
    private static let largestCheckpoint = 1 << 30

    func validate() throws {
        if !isRecipe { _ = try chosenSource() }
    }

    /// Whether the source is a file.
    private var isRecipe: Bool { [".yaml", ".yml"].contains { source.lowercased().hasSuffix($0) } }

    private func chosenSource() throws -> ImportSource {
        if isRecipe { return try described() }
        if let chosen = ImportSources.named(source) { return chosen }
        throw ValidationError(
            Choices.message("--source", found: source, valid: ImportSources.all.map(\.name)))
    }

    /// The source of a recipe, which is called as its file unless it says otherwise.
    private func described() throws -> ImportSource {
        let bytes = try Files.bytes(
            source, what: "the recipe of a source", atMost: ImportSource.longestRecipe)
        let name = source.split(separator: "/").last.map(String.init) ?? source
        var described = ImportSource.described(as: name)
        try described.read(recipe: bytes, source: source).forEach(Terminal.note)
        return described
    }

    func run() throws {
        do {
            try importCheckpoint()
        } catch let error as InteropError {
            // A list of tensors keeps its lines.
            error.message.split(separator: "\n").forEach { Terminal.note(String($0)) }
            throw ExitCode.failure
        }
    }

    private func importCheckpoint() throws {
        let source = try chosenSource()
        // Begun first, so that a path that cannot be written is noticed before the work.
        let target = try WholeFile(
            path: output,
            madeFrom: [checkpoint] + [classNames, isRecipe ? self.source : nil].compactMap(\.self))
        let bytes = try Files.bytes(
            checkpoint, what: "a checkpoint", atMost: Self.largestCheckpoint)
        let tensors = try Checkpoint(bytes, place: checkpoint)
        let classes = source.classes(of: tensors)
        let names = try classNames.map {
            try ClassNames.read($0, what: "a list of class names", count: classes...classes)
        }
        let model = try ImportedModel(
            tensors, place: checkpoint, source: source, classNames: names ?? [],
            provenance: ["checkpoint_sha256": SHA256.digest(bytes).description])
        let file = try model.file.serialized()
        try target.write(file)
        try target.commit()
        try show(model, source, classes: classes, byteCount: file.count)
    }

    private func show(
        _ model: ImportedModel, _ source: ImportSource, classes: Int, byteCount: Int
    ) throws {
        let input = model.file.metadata.graph.input.shape
        if json {
            try Terminal.json(
                .members([
                    "model": .string(output), "source": .string(source.name),
                    "tensors": .int(model.tensorCount),
                    "binary_layers": .int(model.bitLayerCount),
                    "input": .ints([input.channels, input.height, input.width]),
                    "classes": .int(classes),
                    "bytes": .int(byteCount),
                ]))
        } else {
            try Terminal.table(
                [
                    ["source", "\(source.name), \(source.title)"],
                    ["tensors", "\(model.tensorCount), all of the network and no other"],
                    ["binary layers", "\(model.bitLayerCount)"],
                    ["input", "\(input.channels)x\(input.height)x\(input.width)"],
                    ["classes", "\(classes)"], ["written", "\(output), \(byteCount) bytes"],
                ], left: [0, 1])
        }
    }
}
