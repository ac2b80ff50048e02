import ArgumentParser
import BONNConfiguration
import BONNData
import BONNMethods
import BONNModelFormat
import BONNNetworks
import BONNTerminal
import BONNTrainer
import Foundation
import Torch

/// `bonn prune scan`.
struct PruneScan: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan",
        abstract: "Prune each layer alone, without training again, and measure what that costs.",
        discussion: """
            How sensitive layers are decides how much is pruned from each (Han et al., 2015; Li et al., \
            2017): of a real network, weights below so many standard deviations of their layer; with \
            --filters, and of a 1-bit network, the share of filters with the smallest norms. Measured on \
            validation images where the run had some, else on training images: test images are no part of \
            the choice.

            Example:
              bonn prune scan runs/real/best.safetensors --data cifar-10-batches-bin --images 1000
            """)

    @Argument(help: "A checkpoint.")
    var checkpoint: String

    @Option(
        help: ArgumentHelp("CIFAR, IDX or image folder, or synthetic[:N].", valueName: "path"))
    var data: String

    @Option(
        help: ArgumentHelp("How many images, each class with its share; 0: all.", valueName: "n"))
    var images = 1000

    @Option(
        help: ArgumentHelp(
            "What to prune, in standard deviations or shares of filters.", valueName: "a,b,..."))
    var levels = "0.25,0.5,0.75"

    @Flag(help: "Remove filters, and not weights.")
    var filters = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    private var numbers: [Double] {
        levels.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? -1 }
    }

    func validate() throws {
        guard images >= 0 else { throw ValidationError("--images must be at least 0") }
        guard numbers.allSatisfy({ $0 >= 0 }) else {
            throw ValidationError(
                "--levels must be numbers of at least 0, with commas between them")
        }
    }

    private struct Row: Encodable {
        let layer: String
        let top1: [Double]
    }

    private struct Report: Encodable {
        let images: Int
        let top1: Double
        let levels: [Double]
        let layers: [Row]
    }

    func run() throws {
        let stored = try Checkpoint.open(checkpoint)
        let network = try stored.network(source: checkpoint)
        let removesFilters = filters || !network.quantizedLayers.isEmpty
        guard !removesFilters || numbers.allSatisfy({ $0 < 1 }) else {
            throw ValidationError("--levels are shares of filters here, below 1")
        }
        let dataset = try chosen(stored)
        let evaluator = Evaluator(stored.configuration)
        let names =
            removesFilters
            ? network.plan.channelGroups
                .filter { $0.obstacle == nil && $0.producers.count == 1 && $0.channels > 1 }
                .map(\.producers[0].text)
            : network.realWeights.map(\.name)
        let bar = ProgressBar()
        func measured(_ network: Network) throws -> Double {
            try evaluator.measure(network, on: dataset, device: .cpu)?.top1 ?? 0
        }
        let whole = try measured(network)
        var rows: [Row] = []
        for (index, name) in names.enumerated() {
            bar.update(done: index, total: names.count, label: "scanning", detail: name)
            rows.append(
                Row(
                    layer: name,
                    top1: try numbers.map { level in
                        removesFilters
                            ? try withoutFilters(name, level, stored, network, measured)
                            : try withoutWeights(name, level, network, measured)
                    }))
        }
        bar.clear()
        let report = Report(images: dataset.count, top1: whole, levels: numbers, layers: rows)
        if json { return try Terminal.json(report) }
        try Terminal.line(
            "\(dataset.count) images; top-1 of the whole network \(Terminal.percent(whole)), with one layer pruned:"
        )
        let header = [removesFilters ? "share of filters" : "standard deviations"]
        try Terminal.table(
            [header + numbers.map { "\($0)" }]
                + rows.map { [$0.layer] + $0.top1.map { Terminal.percent($0) } })
    }

    private func chosen(_ stored: Checkpoint) throws -> any ImageDataset {
        let splits = try DatasetSplits.open(data, options: stored.configuration.datasetOptions)
        let (dataset, notes) = try stored.labeled(
            splits.validation ?? splits.train, source: checkpoint)
        notes.forEach(Terminal.note)
        return dataset.subset(of: images, seed: UInt64(stored.configuration.run.seed))
    }

    private func withoutWeights(
        _ layer: String, _ q: Double, _ network: Network, _ measured: (Network) throws -> Double
    ) throws -> Double {
        guard let weight = network.realWeights.first(where: { $0.name == layer })?.weight.tensor
        else { return 0 }
        let values = try weight.detached().clone()
        func set(_ new: Tensor) throws {
            try withoutGradient { () throws(TorchError) in try weight.copy_(from: new) }
        }
        try set(values * MagnitudePruning.mask(of: values, q))
        let result = try measured(network)
        try set(values)
        return result
    }

    private func withoutFilters(
        _ layer: String, _ share: Double, _ stored: Checkpoint, _ network: Network,
        _ measured: (Network) throws -> Double
    ) throws -> Double {
        var pruning = FilterPruning()
        pruning.ratios = [NamedNumber(layer, share)]
        let smaller = try network.pruned(
            pruning.selection(for: network), stored.configuration.model,
            for: stored.configuration.augmentation.imageSize
        ).network
        return try measured(smaller)
    }
}
