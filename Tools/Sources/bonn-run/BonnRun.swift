import ArgumentParser
import BONNData
import BONNImage
import BONNImageIO
import BONNModelFormat
import BONNRuntime
import Foundation

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
            """,
        subcommands: [Info.self, Classify.self, Evaluate.self, Bench.self])

    /// Exit code of a failure.
    static let failure: Int32 = 1

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            report(error)
        }
    }

    /// Ends the process: a failure or a wrong option is one line on standard error.
    private static func report(_ error: any Error) -> Never {
        if let message = message(ofFailure: error) {
            Output.complain(message)
            Foundation.exit(failure)
        }
        let code = exitCode(for: error)
        // Help and versions go where the library puts them; so does an exit without a message.
        guard code == .validationFailure else { exit(withError: error) }
        Output.complain(message(for: error))
        Foundation.exit(code.rawValue)
    }

    /// The message of an error that is not about the command line.
    private static func message(ofFailure error: any Error) -> String? {
        switch error {
        case let error as Failure: error.message
        case let error as RuntimeError: error.message
        case let error as ModelFormatError: error.message
        case let error as ImageIOError: error.description
        case let error as ImageError: error.message
        case let error as DataError: error.message
        default: nil
        }
    }
}

/// Why a command cannot do what it is asked to: one line for a person.
struct Failure: Error {
    let message: String

    init(_ message: String) { self.message = message }
}
