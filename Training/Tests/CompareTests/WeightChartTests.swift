import Testing

@testable import BONNCompare
@testable import BONNTrainer

@Suite struct WeightChartTests {
    private func histogram(_ layer: String, _ values: [Float]) -> WeightHistogram {
        WeightHistogram(
            source: "a", epoch: 2, layer: layer, values: values, nearZero: 0, magnitude: 0.5)
    }

    @Test func `bins hold the shares of a plain count, and moments those of a plain sum`() {
        // 1 lies outside: nine of a thousand of the largest do.
        let values = (0..<2000).map { Float($0 % 41 - 20) / 100 } + [1]
        let found = histogram("a", values)
        #expect(found.count == 2001 && abs(found.range - 0.22) < 1e-6)
        let width = 2 * found.range / Double(WeightHistogram.binCount)
        for (index, share) in found.bins.enumerated() {
            let low = -found.range + Double(index) * width
            let inside = values.count { Double($0) >= low && Double($0) < low + width }
            #expect(share == Double(inside) / 2001, "bin \(index)")
        }
        let mean = values.reduce(0) { $0 + Double($1.magnitude) } / 2001
        let square = values.reduce(0) { $0 + Double($1) * Double($1) } / 2001
        #expect(abs(found.meanAbsolute - mean) < 1e-12)
        #expect(abs(found.deviation - square.squareRoot()) < 1e-12)
    }

    @Test func `the valley is 1 for one mode, 0 for two that are apart, between them else`() {
        let one = (-250...250).flatMap { place in
            [Float](repeating: Float(place) / 500, count: 251 - abs(place))
        }
        #expect(histogram("a", one).valley > 0.95)
        let apart = one.map { $0 / 5 + ($0 > 0 ? 0.5 : -0.5) }
        #expect(histogram("a", apart).valley == 0)
        let near = one.map { $0 + 0.3 } + one.map { $0 - 0.3 }
        // 0.2 of 0.5 on either side of 0.
        #expect(abs(histogram("a", near).valley - 0.8) < 0.05)
        #expect(
            histogram("a", [0, 0, 0]).valley == 1 && histogram("a", []).bins.allSatisfy { $0 == 0 })
    }

    @Test func `a picture has a row a layer and a column a checkpoint`() throws {
        let columns = ["first", "last"].map { title in
            (
                title: title,
                histograms: ["conv <1>", "conv2"].map { histogram($0, [-0.25, 0.25, 0.5]) }
            )
        }
        let picture = try Picture(WeightChart(columns).text)
        for text in ["first", "last", "conv <1>", "conv2"] {
            #expect(picture.texts.count { $0 == text } == 1)
        }
        let outlines = picture.attributes.filter { $0.element == "polygon" }
            .compactMap { $0.values["points"]?.split(separator: " ").count }
        #expect(outlines == [Int](repeating: 2 * WeightHistogram.binCount + 2, count: 4))
        // A layer of the second checkpoint alone stands in its column.
        let columnsOfOthers =
            [(title: "a", histograms: [histogram("one", [1])])] + columns.suffix(1)
        let others = try Picture(WeightChart(columnsOfOthers).text)
        let starts = others.attributes.filter { $0.element == "polygon" }
            .compactMap { $0.values["points"]?.split(separator: ",").first.flatMap { Double($0) } }
        #expect(starts.count == 3 && starts[1] == starts[2] && starts[0] < starts[1])
    }

    @Test func `magnitudes are a line a layer of each run`() throws {
        func rows(_ layer: String, _ values: [Double?]) -> [LayerStatistics] {
            values.enumerated().map { epoch, value in
                LayerStatistics(
                    epoch: epoch, layer: layer, meanAbsolute: 1, magnitude: value, own: [],
                    flipRatio: 0, nearZero: 0)
            }
        }
        let picture = try Picture(
            MagnitudeChart([
                ("A", rows("one", [0.25, 0.5]) + rows("two", [nil, 0.125])),
                ("B", rows("one", [nil])),
            ]).text)
        #expect(picture.texts.contains("0.500  A one") && picture.texts.contains("0.125  A two"))
        #expect(!picture.texts.contains { $0.hasSuffix("B one") })
    }
}
