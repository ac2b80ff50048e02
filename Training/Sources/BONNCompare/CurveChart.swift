import Foundation

extension Comparison {
    /// The curves as an SVG picture: top-1 over epochs, or over minutes where these are the budget; a line a
    /// recipe, the mean over its seeds, its deviation as a band, and its name beside its end, best first.
    public var chart: String {
        let overMinutes = if case .minutes = budget { true } else { false }
        return CurveChart(
            rows.compactMap { Curve($0, overMinutes: overMinutes) },
            CurveChart.Axes(
                x: overMinutes ? "minutes of wall clock" : "epochs", leastStep: overMinutes ? 0 : 1,
                y: "top-1 in %", decimals: 1)
        ).document.text
    }
}

/// A line of the chart.
struct Curve: Equatable {
    /// A place on it.
    struct Point: Equatable {
        var x: Double
        var mean: Double
        /// Nil for one run.
        var deviation: Double?
    }

    let name: String
    let isBaseline: Bool
    let points: [Point]
}

extension Curve {
    /// Values over epochs.
    init(_ name: String, _ values: [(epoch: Int, value: Double)]) {
        self.init(
            name: name, isBaseline: false,
            points: values.map { Point(x: Double($0.epoch), mean: $0.value, deviation: nil) })
    }

    /// The curve of a row; nil where nothing was measured.
    init?(_ row: ComparisonRow, overMinutes: Bool) {
        name = row.name
        isBaseline = row.isBaseline
        let measured = row.runs.flatMap { run in
            run.curve.compactMap { point in
                point.top1.map { (epoch: point.epoch, minutes: point.minutes, top1: $0 * 100) }
            }
        }
        points = Set(measured.map(\.epoch)).sorted().compactMap { epoch in
            let here = measured.filter { $0.epoch == epoch }
            guard let spread = Spread(here.map(\.top1)), let minutes = Spread(here.map(\.minutes))
            else { return nil }
            return Point(
                x: overMinutes ? minutes.mean : Double(epoch), mean: spread.mean,
                deviation: spread.deviation)
        }
        if points.isEmpty { return nil }
    }
}

/// Where everything in the chart stands.
struct CurveChart {
    /// What stands beside the axes.
    struct Axes {
        var x: String
        /// The least distance of its marks.
        var leastStep: Double
        var y: String
        /// Of the last values, in the legend.
        var decimals: Int
    }

    private let curves: [Curve]
    private let axes: Axes

    private static let left = 62.0
    private static let top = 34.0
    private static let plotWidth = 640.0
    private static let legendGap = 34.0
    private static let sample = 26.0
    private static let lineHeight = 15.0
    private static let below = 52.0

    /// Ten colours that differ in hue and lightness, and four dashes: 40 lines that differ.
    private static let colors = [
        "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2",
        "#98930c", "#1b2a6b",
    ]
    private static let dashes: [[Double]] = [[], [7, 3], [2, 3], [9, 3, 2, 3]]
    private static let grey = "#777777"

    init(_ curves: [Curve], _ axes: Axes) {
        self.curves = curves
        self.axes = axes
    }

    private var plotHeight: Double {
        max(380, Self.lineHeight * Double(curves.count) + 10)
    }

    /// The picture.
    var document: SVGDocument {
        let legend = 8 + Self.sample + 7 * Double((curves.map(\.name.count).max() ?? 0) + 7)
        var svg = SVGDocument(
            width: Self.left + Self.plotWidth + Self.legendGap + legend,
            height: Self.top + plotHeight + Self.below)
        guard !curves.isEmpty else {
            svg.text("Nothing is measured yet.", x: Self.left, y: Self.top + 20)
            return svg
        }
        let scale = Scale(curves, height: plotHeight, leastStep: axes.leastStep)
        drawAxes(&svg, scale)
        for (index, curve) in curves.enumerated() { drawBand(&svg, curve, index, scale) }
        for (index, curve) in curves.enumerated() { drawLine(&svg, curve, index, scale) }
        drawLegend(&svg, scale)
        return svg
    }

    // MARK: Axes

    /// From numbers to places.
    private struct Scale {
        let xTicks: [Double]
        let yTicks: [Double]
        private let x: ClosedRange<Double>
        private let y: ClosedRange<Double>
        private let height: Double

        init(_ curves: [Curve], height: Double, leastStep: Double) {
            let points = curves.flatMap(\.points)
            let xs = points.map(\.x)
            let lows = points.map { $0.mean - ($0.deviation ?? 0) }
            let highs = points.map { $0.mean + ($0.deviation ?? 0) }
            yTicks = Ticks.around(lows.min() ?? 0, highs.max() ?? 1, count: 8)
            y = (yTicks.first ?? 0)...(yTicks.last ?? 1)
            let first = min(xs.min() ?? 0, 1)
            let last = max(xs.max() ?? 1, first + 1e-9)
            x = first...(last > first + 1e-6 ? last : first + 1)
            xTicks = Ticks.within(
                x.lowerBound, x.upperBound, count: 10, least: leastStep)
            self.height = height
        }

        func x(_ value: Double) -> Double {
            CurveChart.left + (value - x.lowerBound) / (x.upperBound - x.lowerBound)
                * CurveChart.plotWidth
        }

        func y(_ value: Double) -> Double {
            CurveChart.top + height - (value - y.lowerBound) / (y.upperBound - y.lowerBound)
                * height
        }
    }

    private func drawAxes(_ svg: inout SVGDocument, _ scale: Scale) {
        let bottom = Self.top + plotHeight
        let right = Self.left + Self.plotWidth
        let grid = SVGDocument.Stroke(color: "#dddddd")
        for tick in scale.yTicks {
            let y = scale.y(tick)
            svg.line([(Self.left, y), (right, y)], grid)
            svg.text(shortest(tick), x: Self.left - 7, y: y + 4, anchor: .end)
        }
        for tick in scale.xTicks {
            let x = scale.x(tick)
            svg.line([(x, bottom), (x, bottom + 5)], SVGDocument.Stroke(color: "#222222"))
            svg.text(shortest(tick), x: x, y: bottom + 19, anchor: .middle)
        }
        svg.line(
            [(Self.left, Self.top), (Self.left, bottom), (right, bottom)],
            SVGDocument.Stroke(color: "#222222"))
        svg.text(
            axes.x, x: Self.left + Self.plotWidth / 2, y: bottom + 40, size: 13, anchor: .middle)
        svg.text(
            axes.y, x: 18, y: Self.top + plotHeight / 2, size: 13, anchor: .middle,
            turned: true)
    }

    // MARK: Curves

    private func color(_ index: Int) -> String {
        curves[index].isBaseline ? Self.grey : Self.colors[index % Self.colors.count]
    }

    private func stroke(_ index: Int) -> SVGDocument.Stroke {
        let dash = index / Self.colors.count % Self.dashes.count
        return SVGDocument.Stroke(
            color: color(index), width: 1.8,
            dash: curves[index].isBaseline ? [1, 4] : Self.dashes[dash])
    }

    private func drawBand(
        _ svg: inout SVGDocument, _ curve: Curve, _ index: Int, _ scale: Scale
    ) {
        let points = curve.points.filter { $0.deviation != nil }
        guard points.count > 1 else { return }
        let upper = points.map { (scale.x($0.x), scale.y($0.mean + ($0.deviation ?? 0))) }
        let lower = points.map { (scale.x($0.x), scale.y($0.mean - ($0.deviation ?? 0))) }
        svg.area(
            (upper + lower.reversed()).map { (x: $0.0, y: $0.1) }, fill: color(index),
            opacity: 0.13)
    }

    private func drawLine(
        _ svg: inout SVGDocument, _ curve: Curve, _ index: Int, _ scale: Scale
    ) {
        let places = curve.points.map { (x: scale.x($0.x), y: scale.y($0.mean)) }
        if places.count > 1 { svg.line(places, stroke(index)) }
        guard places.count <= 30 else { return }
        for place in places { svg.dot(x: place.x, y: place.y, radius: 2.2, fill: color(index)) }
    }

    private func drawLegend(_ svg: inout SVGDocument, _ scale: Scale) {
        let ends = curves.indices.compactMap { index in
            curves[index].points.last.map { (index: index, end: $0) }
        }.sorted { ($0.end.mean, $1.index) > ($1.end.mean, $0.index) }
        let places = Self.apart(
            ends.map { scale.y($0.end.mean) }, distance: Self.lineHeight,
            within: (Self.top + 6)...(Self.top + plotHeight - 2))
        let x = Self.left + Self.plotWidth + Self.legendGap
        for (entry, y) in zip(ends, places) {
            let end = (x: scale.x(entry.end.x), y: scale.y(entry.end.mean))
            svg.line(
                [(end.x + 3, end.y), (Self.left + Self.plotWidth + 6, end.y), (x - 5, y)],
                SVGDocument.Stroke(color: color(entry.index), width: 0.7, opacity: 0.6))
            svg.line([(x, y), (x + Self.sample, y)], stroke(entry.index))
            svg.text(
                "\(decimals(entry.end.mean, axes.decimals))  \(curves[entry.index].name)",
                x: x + Self.sample + 6, y: y + 4)
        }
    }

    /// Places from the top down, as near to wanted ones as a distance between neighbours allows.
    ///
    /// - Parameter wanted: in rising order.
    static func apart(
        _ wanted: [Double], distance: Double, within range: ClosedRange<Double>
    ) -> [Double] {
        // Neighbours that are too near form a group, which stands around the mean of what its members want.
        var groups: [(first: Double, members: [Double])] = []
        func first(of members: [Double]) -> Double {
            let mean = members.reduce(0, +) / Double(members.count)
            let height = distance * Double(members.count - 1)
            let highest = max(range.lowerBound, range.upperBound - height)
            return min(max(mean - height / 2, range.lowerBound), highest)
        }
        for place in wanted {
            groups.append((first(of: [place]), [place]))
            while groups.count > 1 {
                let (last, before) = (groups[groups.count - 1], groups[groups.count - 2])
                let end = before.first + distance * Double(before.members.count)
                guard last.first < end else { break }
                groups.removeLast(2)
                let members = before.members + last.members
                groups.append((first(of: members), members))
            }
        }
        return groups.flatMap { group in
            group.members.indices.map { group.first + distance * Double($0) }
        }
    }
}

/// Round numbers for an axis.
enum Ticks {
    /// 1, 2 or 5 times a power of ten, so that about `count` steps make up a range.
    static func step(_ range: Double, count: Int) -> Double {
        let raw = max(range, 1e-3) / Double(count)
        let power = pow(10, (log10(raw)).rounded(.down))
        let factor = [1.0, 2, 5, 10].first { $0 * power >= raw * 0.999 } ?? 10
        return factor * power
    }

    /// Multiples of a step that enclose a range.
    static func around(_ low: Double, _ high: Double, count: Int) -> [Double] {
        let step = step(high - low, count: count)
        let first = (low / step).rounded(.down)
        let last = max((high / step).rounded(.up), first + 1)
        return stride(from: first, through: last, by: 1).map { rounded($0 * step) }
    }

    /// Multiples of a step, of at least a number, within a range.
    static func within(
        _ low: Double, _ high: Double, count: Int, least: Double = 0
    ) -> [Double] {
        let step = max(least, step(high - low, count: count))
        return stride(from: (low / step).rounded(.up), through: (high / step).rounded(.down), by: 1)
            .map { rounded($0 * step) }
    }

    /// Without the last digits that a product of decimals has too many.
    private static func rounded(_ value: Double) -> Double { (value * 1e9).rounded() / 1e9 }
}
