import ArgumentParser
import BONNCompare
import BONNTerminal
import BONNTrainer
import Foundation

/// `bonn weights`.
struct Weights: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how the latent weights of checkpoints are distributed.",
        discussion: """
            A line for each checkpoint and quantized layer: mean and deviation of the latent weights, the \
            share of them near zero (0.31 for a Gaussian), the valley between their modes (1 for one mode \
            at zero, 0 for two that are apart), and the magnitude of the kernel that the layer multiplies \
            with. run.keep_epochs keeps the checkpoints of epochs.

            Layers are numbers in the order of execution, the first quantized one being 1.

            Examples:
              bonn weights runs/first/best.safetensors
              bonn weights runs/first/epoch-*.safetensors --layers 1,8,14 --histograms weights.svg \
            --magnitudes magnitudes.svg
            """)

    @Argument(help: "Checkpoints.", completion: .file(extensions: ["safetensors"]))
    var checkpoints: [String]

    @Option(help: ArgumentHelp("The layers, as 1,8,14; without it, all.", valueName: "list"))
    var layers: String?

    @Option(
        help: ArgumentHelp(
            "An SVG file of histograms, a row a layer, a column a checkpoint.", valueName: "file"))
    var histograms: String?

    @Option(
        help: ArgumentHelp(
            "An SVG file of magnitudes over the epochs of the last checkpoint of each folder.",
            valueName: "file"))
    var magnitudes: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws { _ = try layerNumbers() }

    private func layerNumbers() throws -> [Int] {
        guard let layers else { return [] }
        let parts = layers.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0) }
        guard numbers.count == parts.count, numbers.allSatisfy({ $0 > 0 }) else {
            throw ValidationError("--layers \(layers): expected numbers from 1 on, such as 1,8,14")
        }
        return numbers
    }

    func run() throws {
        let numbers = try layerNumbers()
        let opened = try checkpoints.map { (path: $0, checkpoint: try Checkpoint.open($0)) }
        let found: [[WeightHistogram]]
        do {
            found = try opened.map {
                try WeightHistogram.all(of: $0.checkpoint, source: $0.path, layers: numbers)
            }
        } catch let error as CompareError where error.code == .request {
            throw ValidationError(error.message)
        }
        if let histograms {
            let columns = zip(opened, found).map { item, found in
                (title: Self.title(item.path, item.checkpoint), histograms: found)
            }
            try Self.write(WeightChart(columns).text, to: histograms)
        }
        if let magnitudes {
            let shown = Set(found.flatMap { $0.map(\.layer) })
            try Self.write(
                MagnitudeChart(
                    Self.lastOfFolders(opened).map { path, checkpoint in
                        let rows = checkpoint.state.layers.filter { shown.contains($0.layer) }
                        return (title: Self.run(path), rows: rows)
                    }
                ).text, to: magnitudes)
        }
        if json {
            try Terminal.json(found.flatMap { $0 })
        } else {
            try Terminal.lines(Self.table(found.flatMap { $0 }))
        }
    }

    /// The folder and the epoch.
    private static func title(_ path: String, _ checkpoint: Checkpoint) -> String {
        "\(run(path)), epoch \(checkpoint.state.epoch)"
    }

    private static func folder(_ path: String) -> URL {
        URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent()
    }

    /// The name of a run: its folder, or RECIPE/seed-S as `bonn compare` lays runs out.
    private static func run(_ path: String) -> String {
        let folder = folder(path)
        let parts = folder.pathComponents.suffix(
            folder.lastPathComponent.hasPrefix("seed-") ? 2 : 1)
        return parts.joined(separator: "/")
    }

    private static func lastOfFolders(
        _ opened: [(path: String, checkpoint: Checkpoint)]
    ) -> [(path: String, checkpoint: Checkpoint)] {
        var last: [(path: String, checkpoint: Checkpoint)] = []
        for item in opened {
            let place = last.firstIndex { folder($0.path) == folder(item.path) }
            guard let place else {
                last.append(item)
                continue
            }
            if last[place].checkpoint.state.epoch < item.checkpoint.state.epoch {
                last[place] = item
            }
        }
        return last
    }

    private static func write(_ text: String, to path: String) throws {
        try File.replace(path, with: Array(text.utf8))
    }

    private static func table(_ found: [WeightHistogram]) -> [String] {
        let header = [
            "checkpoint", "layer", "epoch", "weights", "mean |x|", "deviation", "near zero",
            "valley", "magnitude",
        ]
        let rows = found.map { row in
            [
                row.source, row.layer, "\(row.epoch)", "\(row.count)",
                String(format: "%.4g", row.meanAbsolute), String(format: "%.4g", row.deviation),
                MetricsTable.decimal(row.nearZero, places: 3),
                MetricsTable.decimal(row.valley, places: 3),
                String(format: "%.4g", row.magnitude),
            ]
        }
        return Table([header] + rows, left: [0, 1]).lines
    }
}
