public import ArgumentParser
import BONNConfiguration
public import BONNMethods
import BONNTerminal
import BONNTrainer

/// `bonn prune`.
struct Prune: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take filters away from trained networks, and tell what pruning has left.",
        discussion: """
            Weights of real networks and groups of filters of 1-bit networks are pruned while they are \
            trained (the section pruning of recipes); whole filters are removed from a checkpoint here, \
            which is then trained on. The page on pruning in the documentation shows all of it.
            """,
        subcommands: [PruneFilters.self, PruneShare.self, PruneReport.self, PruneScan.self])
}

/// `bonn prune filters`.
struct PruneFilters: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "filters",
        abstract: "Remove the filters of the smallest norms: a checkpoint of a smaller network.",
        discussion: """
            Filters are removed with their batch norms and the planes of the next layers that read them \
            (Li et al., 2017). In residual networks these are the first convolutions of blocks with two; \
            --shortcut-ratio prunes what shortcuts add up, too.

            Examples:
              bonn prune filters runs/real/best.safetensors --ratio 0.4 --layer stages.2=0.2 \
            --layer stages.1.0=0 --output smaller.safetensors
              bonn train --data cifar-10-batches-bin --from smaller.safetensors \
            --config recipes/wrn22-cifar10-filters-quick.yaml
            """)

    @Argument(help: "A checkpoint: last.safetensors or best.safetensors of a run.")
    var checkpoint: String

    @Option(name: [.short, .long], help: "The checkpoint to write.")
    var output: String

    @Option(help: ArgumentHelp("Share of filters to remove from every layer.", valueName: "share"))
    var ratio = 0.0

    @Option(
        name: .customLong("layer"),
        help: ArgumentHelp(
            "The share of a layer, or of all layers whose names begin so; 0 skips them. May be repeated.",
            valueName: "name=share"))
    var layers: [String] = []

    @Option(
        help: ArgumentHelp(
            "Share of the channels to remove that shortcuts add to, ranked by the 1x1 shortcuts.",
            valueName: "share"))
    var shortcutRatio = 0.0

    @Option(help: "What filters are ranked by: l1 or l2.")
    var norm = FilterPruning.Norm.l1

    @Option(help: "greedy leaves out the planes that are removed before; independent does not.")
    var ranking = FilterPruning.Ranking.independent

    @Flag(help: "Remove filters that are the same as an earlier one of their layer, and none else.")
    var duplicates = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        let shares = [ratio, shortcutRatio] + layers.map { NamedNumber($0)?.value ?? -1 }
        guard shares.allSatisfy((0..<1).contains) else {
            throw ValidationError("shares must be from 0 to below 1, those of --layer NAME=SHARE")
        }
    }

    func run() throws {
        var pruning = FilterPruning()
        pruning.ratio = ratio
        pruning.ratios = layers.compactMap(NamedNumber.init)
        pruning.shortcutRatio = shortcutRatio
        (pruning.norm, pruning.ranking) = (norm, ranking)
        pruning.removesDuplicates = duplicates
        let stored = try Checkpoint.open(checkpoint)
        let (smaller, before, after) = try stored.pruned(by: pruning, source: checkpoint)
        try smaller.write(to: output)
        let report = PruningReport(
            before: try before.pruningCounts(), after: try after.pruningCounts())
        try report.show(json: json, heading: "wrote \(output)")
    }
}

extension FilterPruning.Norm: ExpressibleByArgument {}
extension FilterPruning.Ranking: ExpressibleByArgument {}

/// `bonn prune share`.
struct PruneShare: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "share",
        abstract:
            "Let the filters of a group share its first one, after a run with pruning.groups.",
        discussion: """
            After the share of a run's steps that pruning.convergence names, the filters of a group are \
            the same, and sharing changes no bit; a checkpoint from before is changed, and the largest \
            change is told.
            """)

    @Argument(help: "A checkpoint of a run with pruning.groups.")
    var checkpoint: String

    @Option(name: [.short, .long], help: "The checkpoint to write.")
    var output: String

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() throws {
        let stored = try Checkpoint.open(checkpoint)
        let (shared, difference) = try stored.withSharedFilters(source: checkpoint)
        try shared.write(to: output)
        let report = PruningReport(
            before: try stored.network(source: checkpoint).pruningCounts(),
            after: try shared.network(source: output).pruningCounts(), difference: difference)
        try report.show(
            json: json,
            heading: "wrote \(output); "
                + (difference == 0
                    ? "no bit is another"
                    : "the largest change of a latent weight is \(difference)"))
    }
}

/// `bonn prune report`.
struct PruneReport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Tell what pruning has left of the layers of a checkpoint.",
        discussion: """
            Weights that are not 0 and filters that differ, with the multiply-accumulates and the bits \
            that they need: 32 and an index of 8 bits (5 in fully connected layers) for a real weight; \
            different filters and the number of one of them for each filter of a 1-bit layer. The runtime \
            stores and computes all of them.
            """)

    @Argument(help: "A checkpoint.")
    var checkpoint: String

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() throws {
        let stored = try Checkpoint.open(checkpoint)
        let counts = try stored.network(source: checkpoint).pruningCounts()
        try PruningReport(before: nil, after: counts).show(json: json)
    }
}

/// What pruning has removed and left.
struct PruningReport: Encodable {
    struct Layer: Encodable {
        let name: String
        let isBinary: Bool
        let filters, differentFilters, weights, weightsLeft, macsLeft, bitsLeft: Int
    }

    struct Total: Encodable {
        let what: String
        let before, after: Int
        let removed: Double

        init(_ what: String, _ before: Int, _ after: Int) {
            (self.what, self.before, self.after) = (what, before, after)
            removed = before == 0 ? 0 : 1 - Double(after) / Double(before)
        }
    }

    let layers: [Layer]
    let totals: [Total]
    let largestDifference: Float?

    /// - Parameter before: the layers before filters were removed; nil: what is left is compared with what is there.
    init(before: [PruningCount]?, after: [PruningCount], difference: Float? = nil) {
        largestDifference = difference
        layers = after.map { count in
            Layer(
                name: count.layer, isBinary: count.isBinary, filters: count.filters,
                differentFilters: count.differentFilters, weights: count.weights,
                weightsLeft: count.weightsLeft, macsLeft: count.macsLeft, bitsLeft: count.bitsLeft)
        }
        let reference = before ?? after
        func sum(_ counts: [PruningCount], _ value: (PruningCount) -> Int) -> Int {
            counts.reduce(0) { $0 + value($1) }
        }
        totals = [true, false].flatMap { isBinary in
            let (old, new) = (
                reference.filter { $0.isBinary == isBinary },
                after.filter { $0.isBinary == isBinary }
            )
            let kind = isBinary ? "1-bit" : "real"
            return old.isEmpty
                ? []
                : [
                    Total("\(kind) weights", sum(old, \.weights), sum(new, \.weightsLeft)),
                    Total("\(kind) MACs", sum(old, \.macs), sum(new, \.macsLeft)),
                    Total("bits of \(kind) weights", sum(old, \.bits), sum(new, \.bitsLeft)),
                ]
        }
    }

    func show(json: Bool, heading: String? = nil) throws {
        if json { return try Terminal.json(self) }
        if let heading { try Terminal.line(heading) }
        let header = ["layer", "filters", "different", "weights", "left", "MACs left", "bits left"]
        let rows = layers.map { layer in
            [layer.name]
                + [
                    layer.filters, layer.differentFilters, layer.weights, layer.weightsLeft,
                    layer.macsLeft, layer.bitsLeft,
                ].map(Terminal.grouped)
        }
        try Terminal.table([header] + rows)
        let sums = totals.map { total in
            [
                total.what, Terminal.grouped(total.before), Terminal.grouped(total.after),
                Terminal.percent(total.removed),
            ]
        }
        try Terminal.lines([""] + Table([["", "before", "left", "removed"]] + sums).lines)
    }
}
