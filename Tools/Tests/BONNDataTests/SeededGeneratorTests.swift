import Testing

@testable import BONNData

@Suite struct SeededGeneratorTests {
    @Test func `the generator is xoshiro256 star star`() {
        // The authors' C program with the state 1, 2, 3, 4.
        var generator = SeededGenerator(state: (1, 2, 3, 4))
        let expected: [UInt64] = [
            11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360,
            607_988_272_756_665_600, 16_172_922_978_634_559_625, 8_476_171_486_693_032_832,
            10_595_114_339_597_558_777, 2_904_607_092_377_533_576,
        ]
        #expect((0..<10).map { _ in generator.next() } == expected)
    }

    @Test func `streams of one seed are different and each replays`() {
        var firsts: Set<UInt64> = []
        for seed in 0..<4 as Range<UInt64> {
            for stream in 0..<50 as Range<UInt64> {
                var a = SeededGenerator(seed: seed, stream: stream)
                var b = SeededGenerator(seed: seed, stream: [stream])
                var inner = SeededGenerator(seed: seed, stream: stream, 0)
                let first = a.next()
                #expect(first == b.next(), "seed \(seed), stream \(stream)")
                firsts.insert(first)
                firsts.insert(inner.next())
            }
        }
        #expect(firsts.count == 400)
    }

    @Test func `integers below a bound are uniform`() {
        var generator = SeededGenerator(seed: 7)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[generator.integer(below: 7)] += 1 }
        // Chi-squared with 6 degrees of freedom: above 22.5 once in a thousand.
        let chi = counts.reduce(0.0) { $0 + Double(($1 - 10_000) * ($1 - 10_000)) / 10_000 }
        #expect(chi < 22.5, "counts \(counts)")
    }

    @Test(arguments: [0, 1, 2, 1_000])
    func `a permutation holds every index once`(count: Int) {
        var generator = SeededGenerator(seed: 3)
        let order = generator.permutation(count)
        #expect(order.sorted() == Array(0..<count))
        #expect(count < 10 || order != Array(0..<count))
    }
}
