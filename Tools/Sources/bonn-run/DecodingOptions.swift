import ArgumentParser
import BONNImageIO

/// What image files may cost; shared by the commands that read them.
struct DecodingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Memory that decoding may take; an image that needs more is refused. Unless given, "
                + "\(DecodingBudget.standard.bytes / 1_000_000).",
            valueName: "MB"))
    var limitImageMemory: Int?

    func validate() throws {
        if let limit = limitImageMemory, !(1...1_000_000).contains(limit) {
            throw ValidationError("--limit-image-memory: expected 1 to 1000000, found \(limit)")
        }
    }

    /// The budget of the process.
    var budget: DecodingBudget {
        limitImageMemory.map { DecodingBudget(bytes: $0 * 1_000_000) } ?? .standard
    }
}
