public import BONNTrainer
import Foundation

/// Histograms of latent weights as an SVG picture: a row a layer, a column a checkpoint, each over its own range.
public struct WeightChart {
    /// A layer that a checkpoint does not have is an empty place.
    private let rows: [(layer: String, histograms: [WeightHistogram?])]
    private let columns: [String]

    private static let left = 16.0
    private static let top = 40.0
    private static let panel = (width: 190.0, height: 96.0)
    private static let gap = (x: 18.0, y: 44.0)
    private static let barColor = "#1f77b4"
    private static let textColor = "#555555"

    /// - Parameter columns: a title and the histograms of each checkpoint; those of a layer stand in one row.
    public init(_ columns: [(title: String, histograms: [WeightHistogram])]) {
        self.columns = columns.map(\.title)
        let names = columns.flatMap { $0.histograms.map(\.layer) }.inFirstOrder
        rows = names.map { name in
            (name, columns.map { $0.histograms.first { $0.layer == name } })
        }
    }

    /// The text of the file.
    public var text: String {
        let (panel, gap) = (Self.panel, Self.gap)
        var svg = SVGDocument(
            width: 2 * Self.left + Double(columns.count) * (panel.width + gap.x) - gap.x,
            height: Self.top + Double(rows.count) * (panel.height + gap.y))
        for (column, title) in columns.enumerated() {
            let x = Self.left + Double(column) * (panel.width + gap.x)
            svg.text(title, x: x + panel.width / 2, y: 20, size: 13, anchor: .middle)
        }
        for (place, row) in rows.enumerated() {
            let y = Self.top + Double(place) * (panel.height + gap.y)
            svg.text(row.layer, x: Self.left, y: y - 4, size: 11)
            for (column, histogram) in row.histograms.enumerated() {
                let x = Self.left + Double(column) * (panel.width + gap.x)
                if let histogram { draw(histogram, &svg, x: x, y: y) }
            }
        }
        return svg.text
    }

    private func draw(_ histogram: WeightHistogram, _ svg: inout SVGDocument, x: Double, y: Double)
    {
        let (width, height) = Self.panel
        let bottom = y + height
        let largest = max(histogram.bins.max() ?? 0, .leastNormalMagnitude)
        let bar = width / Double(histogram.bins.count)
        let outline = histogram.bins.enumerated().flatMap { index, share in
            let (left, y) = (x + Double(index) * bar, bottom - share / largest * height)
            return [(x: left, y: y), (x: left + bar, y: y)]
        }
        svg.area(
            [(x: x, y: bottom)] + outline + [(x: x + width, y: bottom)], fill: Self.barColor,
            opacity: 1)
        svg.line([(x, bottom), (x + width, bottom)], SVGDocument.Stroke(color: "#222222"))
        let range = String(format: "%.2g", histogram.range)
        for (text, place) in [("-\(range)", 0.0), ("0", 0.5), (range, 1)] {
            svg.line(
                [(x + place * width, bottom), (x + place * width, bottom + 4)],
                SVGDocument.Stroke(color: "#222222"))
            svg.text(
                text, x: x + place * width, y: bottom + 16, size: 10,
                anchor: place == 0 ? .start : place == 1 ? .end : .middle, color: Self.textColor)
        }
    }
}

/// The magnitudes of kernels over the epochs as an SVG picture, a line a layer of a run.
public struct MagnitudeChart {
    private let curves: [Curve]

    /// - Parameter runs: a title and the rows of layers.csv of each run, of the layers that are drawn.
    public init(_ runs: [(title: String, rows: [LayerStatistics])]) {
        curves = runs.flatMap { title, rows in
            rows.map(\.layer).inFirstOrder.map { name in
                Curve(
                    title.isEmpty ? name : "\(title) \(name)",
                    rows.filter { $0.layer == name }.compactMap { row in
                        row.magnitude.map { (row.epoch, $0) }
                    })
            }.filter { !$0.points.isEmpty }
        }
    }

    /// The text of the file.
    public var text: String {
        CurveChart(
            curves,
            CurveChart.Axes(x: "epochs", leastStep: 1, y: "mean |x| of the kernel", decimals: 3)
        ).document.text
    }
}
