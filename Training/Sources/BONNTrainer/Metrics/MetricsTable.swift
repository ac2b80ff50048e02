/// The tables of a run directory as CSV text. Numbers are written with as many digits as bring
/// back the same bits, so that two runs can be compared by comparing their files.
public enum MetricsTable {
    /// metrics.csv: one row for each epoch.
    public static func metrics(_ rows: [EpochMetrics]) -> String {
        table(
            """
            epoch,learning_rate,train_loss,cross_entropy,kernel_loss,feature_loss,train_top1,\
            test_loss,test_top1,test_top5,validation_loss,validation_top1,validation_top5,images_per_second,seconds
            """,
            rows.map { row in
                [
                    "\(row.epoch)", "\(row.learningRate)", "\(row.trainLoss)",
                    "\(row.crossEntropy)", "\(row.kernelLoss)", "\(row.featureLoss)",
                    "\(row.trainTop1)", text(row.testLoss), text(row.testTop1), text(row.testTop5),
                    text(row.validationLoss), text(row.validationTop1), text(row.validationTop5),
                    decimal(row.imagesPerSecond, places: 1), decimal(row.seconds, places: 2),
                ]
            })
    }

    /// layers.csv: one row for each epoch and binary layer.
    public static func layers(_ rows: [LayerStatistics]) -> String {
        table(
            "epoch,layer,mean_abs,mu,sigma,w,flip_ratio,near_zero",
            rows.map { row in
                [
                    "\(row.epoch)", row.layer, "\(row.meanAbsolute)", text(row.mu),
                    text(row.sigma), text(row.scale), "\(row.flipRatio)", "\(row.nearZero)",
                ]
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

    private static func table(_ header: String, _ rows: [[String]]) -> String {
        ([header] + rows.map { $0.joined(separator: ",") }).joined(separator: "\n") + "\n"
    }
}
