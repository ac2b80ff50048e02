import Testing

@testable import BONNCompare

@Suite struct ChartTests {
    @Test func `the picture is XML, and names are what they are`() throws {
        let picture = try Picture(Made.comparison.chart)
        #expect(picture.texts.contains("25.0  odd | <name>, \"quoted\" & 'more'"))
        #expect(picture.texts.contains("64.5  good"))
        #expect(picture.texts.contains("epochs") && picture.texts.contains("top-1 in %"))
        // One band: only one recipe has two runs with more than one epoch in common.
        #expect(picture.counts["polygon"] == 1)
        var strange = Made.comparison
        strange.rows[0].name = "bell \u{7} line\nbreak \u{FFFF} ]]> <!-- é 日本"
        #expect(
            try Picture(strange.chart).texts.contains("64.5  bell ? line break ? ]]> <!-- é 日本"))
        let empty = Comparison(budget: nil, seeds: [], processor: "", rows: [])
        #expect(try Picture(empty.chart).texts == ["Nothing is measured yet."])
    }

    @Test func `a curve is the mean over seeds, with their deviation`() throws {
        let row = Made.row("a", [Made.run(1, [0.5, nil, 0.75]), Made.run(2, [0.25, 0.5])], [])
        let curve = try #require(Curve(row, overMinutes: false))
        #expect(curve.points.map(\.x) == [1, 2, 3])
        #expect(curve.points.map(\.mean) == [37.5, 50, 75])
        #expect(curve.points.map { $0.deviation == nil } == [false, true, true])
        #expect(abs((curve.points[0].deviation ?? 0) - 12.5 * 2.0.squareRoot()) < 1e-9)
        let minutes = try #require(Curve(row, overMinutes: true))
        #expect(minutes.points.map(\.x) == [1.5, 3, 4.5])
        #expect(Curve(Made.row("a", [], []), overMinutes: false) == nil)
    }

    @Test func `thirty lines differ, stay in the picture, and their names stand apart, best first`()
        throws
    {
        var comparison = Made.comparison
        comparison.rows = (0..<30).map { index in
            let end = 0.5 + 0.003 * Double(index * 7 % 30)
            return Made.row("recipe-\(index)", [Made.run(1, [0.3, 0.4, end])], [])
        }
        let picture = try Picture(comparison.chart)
        let lines = picture.attributes.filter {
            $0.element == "polyline" && $0.values["stroke-width"] == "1.80"
        }
        // A curve and its sample in the legend each.
        #expect(lines.count == 60)
        let looks = lines.map {
            "\($0.values["stroke"] ?? "") \($0.values["stroke-dasharray"] ?? "")"
        }
        #expect(Set(looks).count == 30)
        let names = picture.attributes.indices.filter { picture.attributes[$0].element == "text" }
        let legend = zip(names, picture.texts).filter { $0.1.contains("recipe-") }
        let places = legend.compactMap { Double(picture.attributes[$0.0].values["y"] ?? "") }
        #expect(places.count == 30 && zip(places, places.dropFirst()).allSatisfy { $1 - $0 > 14 })
        let values = legend.compactMap { Double($0.1.prefix(4)) }
        #expect(values == values.sorted(by: >))
        let height = try #require(picture.attributes[0].values["height"].flatMap(Double.init))
        #expect(places.allSatisfy { $0 > 0 && $0 < height })
    }

    @Test func `labels move no further than they must`() {
        func apart(_ wanted: [Double]) -> [Double] {
            CurveChart.apart(wanted, distance: 10, within: 0...100)
        }
        #expect(apart([5, 50, 90]) == [5, 50, 90])
        #expect(apart([50, 50]) == [45, 55])
        #expect(apart([50, 52, 54]) == [42, 52, 62])
        #expect(apart([0, 0, 0]) == [0, 10, 20])
        #expect(apart([99, 100]) == [90, 100])
        #expect(apart([40, 55, 56]) == [40, 50.5, 60.5])
        #expect(apart([]) == [])
    }

    @Test(arguments: [(0.0, 1.0), (12.3, 67.8), (99.9, 99.91), (5, 5), (0, 1e6)])
    func `ticks are round numbers that enclose what is drawn`(low: Double, high: Double) {
        let ticks = Ticks.around(low, high, count: 8)
        #expect((ticks.first ?? .infinity) <= low && (ticks.last ?? -.infinity) >= high)
        #expect((2...11).contains(ticks.count))
        let inner = Ticks.within(low, high + 1, count: 10)
        #expect(inner.allSatisfy { $0 >= low && $0 <= high + 1 } && inner.count <= 21)
    }
}
