import ArgumentParser
import BONNTerminal
import Torch

/// The training tool: from a folder of images to a 1-bit network.
@main
struct Bonn: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bonn",
        abstract:
            "Train 1-bit convolutional networks, and export what the runtime computes in the same bits.",
        discussion: """
            Examples:
              bonn train --data synthetic --epochs 3 --output runs/first
              bonn train --data cifar-10-batches-bin --config recipes/wrn22-cifar10.yaml
              bonn evaluate runs/first/best.safetensors --data synthetic
              bonn summary --model wrn22 --widths 16-16-32-64
            """,
        subcommands: [
            Train.self, Compare.self, Evaluate.self, Summary.self, ListMethods.self,
            ListNetworks.self,
            RecipeCommand.self,
            Export.self, Verify.self, Weights.self, Prune.self, DataCommand.self, Benchmark.self,
        ])

    static func main() {
        // Otherwise a fifth and more of a run is the kernel's work on pages, and twice the memory is held.
        keepFreedMemory()
        runProgram(complaintPrefix: "Error: ")
    }
}
