import BONNRuntime
import Testing

@Suite struct TopKTests {
    @Test func `the largest scores come first, the lower class of equal ones`() {
        let ranked = topK([1, 3, 2, 3, -5], 3)
        #expect(ranked.map(\.classIndex) == [1, 3, 2])
        #expect(ranked.map(\.score) == [3, 3, 2])
    }

    @Test func `a slice is ranked by its own positions`() {
        let logits: [Float] = [9, 9, 0, 1, 2]
        #expect(topK(logits[2...], 2).map(\.classIndex) == [2, 1])
    }

    @Test func `a NaN comes after every number`() {
        let logits: [Float] = [.nan, -.infinity, .nan, 7]
        #expect(topK(logits, 4).map(\.classIndex) == [3, 1, 0, 2])
    }

    @Test func `as many as there are, and none for zero`() {
        #expect(topK([1, 2], 10).count == 2)
        #expect(topK([1, 2], 0).isEmpty)
        #expect(topK([1, 2], -1).isEmpty)
    }
}
