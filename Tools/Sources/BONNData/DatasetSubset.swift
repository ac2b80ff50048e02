import BONNImage

/// Some images of a data set, in its order.
struct DatasetSubset: WrappedDataset {
    let base: any ImageDataset
    /// The images, by their index in `base`.
    let indices: [Int]

    var count: Int { indices.count }

    func label(at index: Int) -> Int { base.label(at: indices[index]) }
    func image(at index: Int) throws(DataError) -> PixelBuffer {
        try base.image(at: indices[index])
    }
    func identifier(at index: Int) -> String { base.identifier(at: indices[index]) }
    func listed(at index: Int) -> ListedImage { base.listed(at: indices[index]) }
}

extension ImageDataset {
    /// A part of the data set that stands for the whole: chosen by a seed, each class with its share.
    ///
    /// - Parameters:
    ///   - count: how many images; all of them when it is 0 or more than there are.
    ///   - seed: which ones.
    public func subset(of count: Int, seed: UInt64) -> any ImageDataset {
        guard count > 0, count < self.count else { return self }
        return DatasetSubset(base: self, indices: subsetIndices(of: count, seed: seed))
    }

    /// The first images of the data set; all of them when `count` is 0 or more than there are.
    public func first(_ count: Int) -> any ImageDataset {
        guard count > 0, count < self.count else { return self }
        return DatasetSubset(base: self, indices: Array(0..<count))
    }

    /// The images of `subset(of:seed:)`, ascending.
    ///
    /// Every class that has images gets one where `count` allows, and the rest of `count` is shared out
    /// in proportion to the images that are left; what does not divide goes to the largest remainders,
    /// and between equal ones to those that the seed chooses.
    public func subsetIndices(of count: Int, seed: UInt64) -> [Int] {
        guard count > 0, count < self.count else { return Array(0..<self.count) }
        var random = SeededGenerator(seed: seed, stream: Self.subsetStream)
        var members = [[Int]](repeating: [], count: classNames.count)
        for index in 0..<self.count { members[label(at: index)].append(index) }
        members.removeAll(where: \.isEmpty)
        let sizes = members.map(\.count)
        var chosen: [Int] = []
        for (images, share) in zip(members, Self.shares(of: count, among: sizes, with: &random)) {
            chosen += random.permutation(images.count).prefix(share).map { images[$0] }
        }
        return chosen.sorted()
    }

    /// The stream of the seed that this draws from, apart from those of training.
    private static var subsetStream: UInt64 { 0x7375_6273_6574 }

    /// `count` shared out among classes of `sizes`, none of them 0, no share above its size.
    private static func shares(
        of count: Int, among sizes: [Int], with random: inout SeededGenerator
    ) -> [Int] {
        let least = count >= sizes.count ? 1 : 0
        let left = count - least * sizes.count
        let total = sizes.reduce(0) { $0 + $1 - least }
        // count < sum of sizes: with one image of each class taken out, there are still some left.
        var shares = sizes.map { least + left * ($0 - least) / total }
        let luck = random.permutation(sizes.count)
        let remainders = sizes.map { left * ($0 - least) % total }
        let order = sizes.indices.sorted {
            (remainders[$1], luck[$0]) < (remainders[$0], luck[$1])
        }
        for index in order.prefix(count - shares.reduce(0, +)) { shares[index] += 1 }
        return shares
    }
}
