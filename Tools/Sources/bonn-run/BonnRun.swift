import ArgumentParser
import BONNModelFormat
import BONNRuntime
import BONNTerminal

/// The runtime tool: everything that can be done with a model file, without LibTorch.
@main
struct BonnRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bonn-run",
        abstract: "Run 1-bit convolutional networks.",
        discussion: """
            Examples:
              bonn-run info network.bonn
              bonn-run classify network.bonn photo.jpg --top 3
              bonn-run evaluate network.bonn --data cifar-10-batches-bin --threads 2
              bonn-run bench --network resnet18 --threads 2 --layers
              bonn-run export network.bonn --format c --output firmware/network
              bonn-run import model.pth --source bonn-resnet18 --output network.bonn

            Exit codes: 0 success, 1 failure (one line on standard error), 64 wrong options, 141 \
            where the reader of a pipe went away. A model or an image that asks for more memory or \
            work than is allowed is refused: see --limit-memory, --limit-work and \
            --limit-image-memory of the commands.
            """,
        subcommands: [
            Info.self, Classify.self, Evaluate.self, Card.self, Bench.self, Export.self,
            Import.self, Source.self,
        ])

    static func main() {
        runProgram { error in
            // Their descriptions end with a code for programs.
            switch error {
            case let error as RuntimeError where error.code == .limitExceeded:
                error.message + " (here with --limit-memory or --limit-work)"
            case let error as RuntimeError: error.message
            case let error as ModelFormatError: error.message
            default: nil
            }
        }
    }
}

/// Why a command cannot do what it is asked to: one line for a person.
struct Failure: Error, CustomStringConvertible {
    let message: String

    var description: String { message }

    init(_ message: String) { self.message = message }
}
