import ArgumentParser
import BONNConfiguration
import BONNInterop
import BONNTerminal

/// `bonn-run source`.
struct Source: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a source of import as a recipe.",
        discussion: """
            What such a recipe says of another network, import reads with --source FILE.yaml; \
            Documentation/importing.md has its keys.

            Example:
              bonn-run source bireal-resnet18 > ours.yaml
            """)

    @Argument(
        help: "Its name: \(ImportSources.all.map(\.name).joined(separator: ", ")).",
        completion: .list(ImportSources.all.map(\.name)))
    var name: String

    func validate() throws { _ = try source() }

    func run() throws { try Terminal.document(source().recipe) }

    private func source() throws -> ImportSource {
        if let source = ImportSources.named(name) { return source }
        throw ValidationError(
            Choices.message("name", found: name, valid: ImportSources.all.map(\.name)))
    }
}
