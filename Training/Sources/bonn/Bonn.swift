import ArgumentParser
import BONNTerminal
import Foundation
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
            Export.self, Verify.self, Prune.self, DataCommand.self, Benchmark.self,
        ])

    static func main() {
        // LibTorch then asks Linux for large pages for its tensors: a step is a quarter faster, and its speed no
        // longer depends on where memory happens to lie. Read at the first tensor; who sets it otherwise wins.
        setenv("THP_MEM_ALLOC_ENABLE", "1", 0)
        // Otherwise a fifth and more of a run is the kernel's work on pages; it costs a fifth of the memory.
        keepFreedMemory()
        runProgram(complaintPrefix: "Error: ")
    }
}
