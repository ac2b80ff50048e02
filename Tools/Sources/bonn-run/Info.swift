import ArgumentParser
import BONNModelFormat
import BONNRuntime
import BONNTerminal

/// `bonn-run info`.
struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what a model file holds.",
        discussion: """
            Example:
              bonn-run info network.bonn --json
            """)

    @Argument(help: "A model file.", completion: .file())
    var model: String

    @OptionGroup var limits: LimitOptions

    @Flag(help: "List the layers.")
    var layers = false

    @Flag(help: "Print the result as JSON, the layers included.")
    var json = false

    func run() throws {
        let summary = try ModelSummary(path: model, limits: limits.limits())
        if json {
            try Terminal.json(summary.json)
        } else {
            try summary.show(layers: layers)
        }
    }
}
