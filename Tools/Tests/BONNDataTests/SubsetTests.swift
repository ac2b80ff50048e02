import BONNImage
import BONNModelFormat
import Testing

@testable import BONNData

/// Parts of a data set that stand for the whole.
@Suite struct SubsetTests {
    /// Images whose classes follow one another, as in a folder.
    struct SortedDataset: ImageDataset {
        let sizes: [Int]
        var name: String { "sorted" }
        let classNames: [Name]
        var channels: Int { 1 }
        var count: Int { sizes.reduce(0, +) }
        var imageSize: (width: Int, height: Int)? { (1, 1) }

        init(_ sizes: [Int]) {
            self.sizes = sizes
            classNames = sizes.indices.map { "class \($0)" }
        }

        func label(at index: Int) -> Int {
            var index = index
            return sizes.firstIndex { size in
                index -= size
                return index < 0
            } ?? 0
        }
        func identifier(at index: Int) -> String { "sorted/\(index)" }
        func image(at index: Int) throws(DataError) -> PixelBuffer {
            PixelBuffer(width: 1, height: 1, channels: 1, pixels: [UInt8(index % 256)])
        }
    }

    @Test func `equal classes have equal shares, whatever the seed`() {
        let dataset = SortedDataset([100, 100, 100, 100])
        for seed in 0..<20 as Range<UInt64> {
            #expect(dataset.subset(of: 40, seed: seed).classCounts() == [10, 10, 10, 10])
            let counts = dataset.subset(of: 42, seed: seed).classCounts()
            #expect(counts.sorted() == [10, 10, 11, 11])
        }
    }

    @Test func `uneven classes have shares in proportion, and none is left out`() {
        let dataset = SortedDataset([1000, 100, 10, 1])
        #expect(dataset.subset(of: 100, seed: 3).classCounts() == [88, 9, 2, 1])
        #expect(dataset.subset(of: 4, seed: 3).classCounts() == [1, 1, 1, 1])
        #expect(dataset.subset(of: 1110, seed: 3).classCounts() == [999, 100, 10, 1])
    }

    @Test func `fewer images than classes come from classes that the seed chooses`() {
        let dataset = SortedDataset([5, 5, 0, 5, 5])
        var seen = Set<[Int]>()
        for seed in 0..<40 as Range<UInt64> {
            let counts = dataset.subset(of: 2, seed: seed).classCounts()
            #expect(counts.reduce(0, +) == 2 && counts.max() == 1 && counts[2] == 0)
            seen.insert(counts)
        }
        #expect(seen.count == 6)
    }

    @Test func `every size is met exactly, in the order of the data set, each image once`() {
        let dataset = SortedDataset([7, 1, 0, 12, 3])
        for count in 1...dataset.count {
            let indices = dataset.subsetIndices(of: count, seed: 9)
            #expect(indices.count == count && indices == Set(indices).sorted())
            #expect(indices.allSatisfy { (0..<23).contains($0) })
            #expect(indices == dataset.subsetIndices(of: count, seed: 9))
        }
        #expect(dataset.subsetIndices(of: 0, seed: 9) == Array(0..<23))
        #expect(dataset.subsetIndices(of: 99, seed: 9) == Array(0..<23))
        #expect(dataset.subsetIndices(of: 9, seed: 9) != dataset.subsetIndices(of: 9, seed: 10))
    }

    @Test func `images, labels and names of a subset are those of the whole`() throws {
        let dataset = SortedDataset([7, 5, 3])
        let subset = dataset.subset(of: 6, seed: 4)
        for (place, index) in dataset.subsetIndices(of: 6, seed: 4).enumerated() {
            #expect(try subset.image(at: place).pixels == [UInt8(index)])
            #expect(subset.label(at: place) == dataset.label(at: index))
            #expect(subset.identifier(at: place) == "sorted/\(index)")
        }
        #expect(subset.name == "sorted" && subset.classNames == dataset.classNames)
        #expect(dataset.first(6).classCounts() == [6, 0, 0] && dataset.first(0).count == 15)
    }
}
