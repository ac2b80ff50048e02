import BONNImage
import Crypto
import Testing

@testable import BONNData

@Suite struct SyntheticTests {
    @Test func `the text after synthetic is the number of training images`() throws {
        let splits = try DatasetSplits.open("synthetic:40")
        #expect(splits.kind == .synthetic)
        #expect(splits.train.count == 40 && splits.test.count == 10)
        let defaults = try DatasetSplits.open("synthetic")
        #expect(defaults.train.count == 8_000 && defaults.test.count == 2_000)
    }

    @Test(arguments: ["synthetic:", "synthetic:9", "synthetic:many", "synthetic:-20"])
    func `an impossible number of synthetic images is refused`(text: String) {
        let error = #expect(throws: DataError.self) { try DatasetSplits.open(text) }
        #expect(error?.code == .invalidOption)
        #expect(error?.message.contains("expected synthetic:N") == true)
    }

    @Test func `classes are balanced and images are 32x32 in colour`() throws {
        let train = try DatasetSplits.open("synthetic:100").train
        #expect(train.classCounts() == [Int](repeating: 10, count: 10))
        #expect(train.classNames.count == 10)
        for index in 0..<20 {
            let image = try train.image(at: index)
            #expect(image.width == 32 && image.height == 32 && image.channels == 3)
        }
    }

    @Test func `images depend on seed, split and index and on nothing else`() throws {
        var other = DatasetOptions()
        other.synthetic.seed = 1
        let a = try DatasetSplits.open("synthetic:100")
        let b = try DatasetSplits.open("synthetic:1000")
        let c = try DatasetSplits.open("synthetic:100", options: other)
        for index in [0, 57, 99] {
            let image = try a.train.image(at: index)
            #expect(try image == b.train.image(at: index), "image \(index)")
            #expect(try image != c.train.image(at: index), "image \(index)")
            #expect(try image != a.test.image(at: index % 25), "image \(index)")
        }
    }

    /// Recorded from this program: a change of them changes every result on synthetic images.
    @Test func `the images are those that every machine draws`() throws {
        let splits = try DatasetSplits.open("synthetic")
        for (dataset, digest) in [
            (splits.train, "9a8d8751685acbd2d9a2f4b03a0b58e2"),
            (splits.test, "7e36ffbe4cec8d9b6ea06682b26f73b8"),
        ] {
            var md5 = Insecure.MD5()
            for index in 0..<100 {
                md5.update(data: try dataset.image(at: index).pixels)
            }
            #expect("\(md5.finalize())" == "MD5 digest: " + digest, "\(dataset.name)")
        }
    }

    @Test func `every thread draws the same images`() async throws {
        let train = try DatasetSplits.open("synthetic:64").train
        let alone = try (0..<64).map { try train.image(at: $0) }
        let together = try await withThrowingTaskGroup(of: (Int, Bool).self) { group in
            for index in (0..<64).reversed() {
                group.addTask { (index, try train.image(at: index) == alone[index]) }
            }
            return try await group.reduce(into: [Int]()) { if !$1.1 { $0.append($1.0) } }
        }
        #expect(together.isEmpty, "images that differ: \(together)")
    }
}
