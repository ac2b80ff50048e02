import BONNMethods

/// The tables of a run directory as CSV text. Numbers are written with as many digits as bring
/// back the same bits, so that two runs can be compared by comparing their files.
public enum MetricsTable {
    /// metrics.csv: one row for each epoch.
    ///
    /// - Parameter terms: the columns of the terms of the loss; those that are in rows alone follow.
    public static func metrics(_ rows: [EpochMetrics], terms: [String] = []) -> String {
        let terms = (terms + rows.flatMap(\.losses.names)).inFirstOrder
        let fixed = EpochMetrics.columns
        return table(
            fixed.prefix(3) + terms + fixed.dropFirst(3),
            rows.map { row in
                ["\(row.epoch)", "\(row.learningRate)", "\(row.trainLoss)"]
                    + terms.map { text(row.losses[$0]) } + [
                        "\(row.trainTop1)", text(row.testLoss), text(row.testTop1),
                        text(row.testTop5), text(row.validationLoss), text(row.validationTop1),
                        text(row.validationTop5), decimal(row.imagesPerSecond, places: 1),
                        decimal(row.seconds, places: 2),
                    ]
            })
    }

    /// layers.csv: one row for each epoch and binary layer.
    public static func layers(_ rows: [LayerStatistics]) -> String {
        let own = rows.flatMap { $0.own.map(\.name) }.inFirstOrder
        // Rows of earlier versions have none.
        let magnitude = rows.contains { $0.magnitude != nil } ? ["magnitude"] : []
        return table(
            ["epoch", "layer", "mean_abs"] + magnitude + own + ["flip_ratio", "near_zero"],
            rows.map { row in
                ["\(row.epoch)", row.layer, "\(row.meanAbsolute)"]
                    + magnitude.map { _ in text(row.magnitude) } + own.map { text(row[$0]) }
                    + ["\(row.flipRatio)", "\(row.nearZero)"]
            })
    }

    /// A number with a fixed number of decimals.
    public static func decimal(_ value: Double, places: Int) -> String {
        let unit = (0..<places).reduce(1) { product, _ in product * 10 }
        let scaled = (value * Double(unit)).rounded()
        guard scaled.magnitude < 1e18 else { return "\(value)" }
        let (whole, fraction) = Int(scaled.magnitude).quotientAndRemainder(dividingBy: unit)
        let digits = "\(fraction)"
        let padding = String(repeating: "0", count: max(0, places - digits.count))
        return (scaled < 0 ? "-" : "") + "\(whole)" + (places > 0 ? "." + padding + digits : "")
    }

    private static func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }

    private static func table(_ header: [String], _ rows: [[String]]) -> String {
        ([header] + rows).map { $0.joined(separator: ",") }.joined(separator: "\n") + "\n"
    }
}

extension Sequence<String> {
    /// Each once, in the order in which they first stand.
    package var inFirstOrder: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
