import Testing

@testable import BONNCompare

@Suite struct SpreadTests {
    @Test(arguments: [[0.5], [1, 2], [0.3, 0.1, 0.2], [7, 7, 7, 7], [-1, 4, 1e6, 3, 2]])
    func `mean and deviation are those of a plain loop`(values: [Double]) throws {
        let spread = try #require(Spread(values))
        var sum = 0.0
        for value in values { sum += value }
        let mean = sum / Double(values.count)
        var squares = 0.0
        for value in values { squares += (value - mean) * (value - mean) }
        #expect(spread.mean == mean && spread.count == values.count)
        guard values.count > 1 else { return #expect(spread.deviation == nil) }
        let deviation = try #require(spread.deviation)
        #expect(
            abs(deviation * deviation * Double(values.count - 1) - squares) <= 1e-9 * (1 + squares))
    }

    @Test func `nothing has no spread, and a median stands in the middle`() throws {
        #expect(Spread([]) == nil && [Double]().median == nil)
        #expect([3, 1, 2].median == 2 && [4, 1, 3, 2].median == 2.5)
        // 2, 4, 4, 4, 5, 5, 7, 9: squares around 5 add up to 32.
        let known = try #require(Spread([2, 4, 4, 4, 5, 5, 7, 9]))
        #expect(known.mean == 5 && known.deviation == (32.0 / 7).squareRoot())
    }

    @Test func `the mean of the last three epochs needs all three`() {
        func run(_ top1: [Double?]) -> SeedRun {
            var run = SeedRun(seed: 1, folder: "")
            run.curve = top1.enumerated().map {
                SeedRun.Point(epoch: $0.offset + 1, minutes: 1, top1: $0.element)
            }
            return run
        }
        #expect(run([0.9, 0.25, 0.5, 0.75]).lastThreeTop1 == 0.5)
        #expect(run([0.5, 0.75]).lastThreeTop1 == nil)
        #expect(run([0.1, nil, 0.5, 0.75]).lastThreeTop1 == nil)
        #expect(run([0.1, nil, 0.5, 0.75]).finalTop1 == 0.75)
    }
}
