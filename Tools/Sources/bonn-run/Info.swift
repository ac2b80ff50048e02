import ArgumentParser
import BONNModelFormat
import BONNRuntime
import BONNTerminal

/// `bonn-run info`.
struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what a model file holds.",
        discussion: """
            Examples:
              bonn-run info network.bonn --layers
              bonn-run info network.bonn --provenance recipe > recipe.yaml
            """)

    @Argument(help: "A model file.", completion: .file())
    var model: String

    @OptionGroup var limits: LimitOptions

    @Flag(help: "List the layers.")
    var layers = false

    @Option(
        help: ArgumentHelp(
            "Print this entry of the provenance alone, as it is; recipe: how the network was trained.",
            valueName: "key"))
    var provenance: String?

    @Flag(help: "Print the result as JSON, the layers included.")
    var json = false

    func validate() throws {
        if provenance != nil, json || layers {
            throw ValidationError("--provenance stands alone; leave out --json and --layers.")
        }
    }

    func run() throws {
        let summary = try ModelSummary(path: model, limits: limits.limits())
        if let provenance {
            try summary.showProvenance(provenance)
        } else if json {
            try Terminal.json(summary.json)
        } else {
            try summary.show(layers: layers)
        }
    }
}
