import BONNModelFormat
import BONNTerminal

/// The card of a model, in Markdown.
struct ModelCard {
    /// The name of the model's file, without a folder.
    let fileName: String
    let summary: ModelSummary
    /// What the images are called that it was measured on.
    let dataset: String
    let result: Accuracy.Result
    let confusion: Confusion
    let className: (Int) -> String
    let curve: TrainingCurve?
    let facts: [(key: String, value: String)]

    private static let curvePoints = 26

    /// The whole card; ends with a line break.
    var text: String {
        (["# \(MarkdownTable.escaped(fileName))", ""]
            + MarkdownTable.lines(["", ""], figures, right: [])
            + use + classes + training + recipe).joined(separator: "\n") + "\n"
    }

    private var figures: [[String]] {
        var rows = [
            [
                "top-1",
                "\(Terminal.percent(result.top1)) of \(result.images) test images of \(dataset)",
            ],
            ["top-5", Terminal.percent(result.top5)],
            [
                "expected calibration error",
                "\(Terminal.percent(result.calibration.expectedError)) (15 bins)",
            ],
        ]
        // The recipe stands at the end; the kernels are those of this machine and not the model's.
        rows += summary.rows.filter { $0.first != Self.recipeKey && $0.first != "kernels" }
        rows += facts.map { [$0.key, $0.value] }
        return rows.map { $0.map { printable($0) } }
    }

    private static let recipeKey = "recipe"

    private var use: [String] {
        [
            "", "```sh", "bonn-run classify \(fileName) photo.jpg",
            "bonn-run evaluate \(fileName) --data DATA --confusion", "```",
        ]
    }

    private var classes: [String] {
        let rows = confusion.rows(className)
        var lines =
            ["", "## Classes", ""]
            + MarkdownTable.lines(
                rows[0], rows.dropFirst().map { $0.map { printable($0) } }, right: [1, 2, 3])
        guard confusion.counts.count <= Self.widestMatrix else { return lines }
        let names = confusion.counts.indices.map { printable(className($0)) }
        lines +=
            ["", "A row for the class of the images, a column for what they are taken for:", ""]
            + MarkdownTable.lines(
                [""] + names,
                zip(names, confusion.counts).map { name, row in [name] + row.map(String.init) },
                right: Set(1...names.count))
        return lines
    }

    /// The most classes whose counts a page can show.
    private static let widestMatrix = 20

    private var training: [String] {
        guard let curve else { return [] }
        let hours = Terminal.fixed(curve.seconds / 3600, 2)
        let even = Terminal.fixed(curve.medianSeconds * Double(curve.epochs) / 3600, 2)
        let rows = curve.spread(Self.curvePoints).map {
            [
                "\($0.epoch)", Terminal.fixed($0.trainingLoss, 4),
                Terminal.fixed($0.trainingTop1 * 100, 2), Terminal.fixed($0.testTop1 * 100, 2),
            ]
        }
        return [
            "", "## Training", "",
            "\(curve.epochs) epochs in \(hours) hours; \(even) hours at the pace of the median epoch, "
                + "\(Terminal.fixed(curve.medianSeconds, 1)) seconds.",
            "",
        ]
            + MarkdownTable.lines(
                ["epoch", "training loss", "training top-1 %", "test top-1 %"], rows,
                right: [0, 1, 2, 3])
    }

    private var recipe: [String] {
        guard let recipe = summary.provenance(Self.recipeKey) else { return [] }
        let lines = recipe.split(separator: "\n", omittingEmptySubsequences: false).map {
            printable(String($0))
        }
        // A fence that no line of the recipe can close.
        let longest = lines.map { $0.prefix { $0 == "`" || $0 == " " }.filter { $0 == "`" }.count }
        let fence = String(repeating: "`", count: max(3, (longest.max() ?? 0) + 1))
        let body = lines.last == "" ? lines.dropLast() : lines[...]
        return ["", "## Recipe", "", "\(fence)yaml"] + body + [fence]
    }
}
