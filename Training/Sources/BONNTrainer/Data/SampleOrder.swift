import BONNData

/// The randomness of the input, by purpose: each is a stream of its own of the run's seed.
enum RandomStream: UInt64 {
    case order = 1
    case augmentation = 2
    case initialisation = 3
    case dropout = 4

    /// One number of this purpose, to seed a generator of LibTorch, which takes only 32 bits.
    func seed(_ seed: Int) -> UInt64 {
        var generator = generator(seed: seed)
        return generator.next()
    }

    /// The generator of this purpose for a list of numbers such as (epoch, image).
    func generator(seed: Int, _ numbers: Int...) -> SeededGenerator {
        SeededGenerator(
            seed: UInt64(bitPattern: Int64(seed)),
            stream: [rawValue] + numbers.map { UInt64(bitPattern: Int64($0)) })
    }
}

/// Which images make up which batch.
public enum SampleOrder {
    /// The batches of a training epoch, which depend on the seed and the epoch alone: a permutation
    /// of all images or, with `balanced(_:with:)`, of as many images, each class equally often.
    ///
    /// - Parameters:
    ///   - count: the number of images.
    ///   - labels: the class of each image to have the classes balanced; nil to have each image once.
    public static func training(
        count: Int, balancing labels: [Int]? = nil, batchSize: Int, dropLast: Bool, seed: Int,
        epoch: Int
    ) -> [[Int]] {
        var generator = RandomStream.order.generator(seed: seed, epoch)
        let order =
            labels.map { balanced($0, with: &generator) } ?? generator.permutation(count)
        let batches = chunks(order, of: batchSize)
        guard dropLast, batches.count > 1, batches[batches.count - 1].count < batchSize else {
            return batches
        }
        return batches.dropLast()
    }

    /// As many images as there are labels, in random order, from every class that has any: N / K of
    /// each of K classes, and one more of some where that leaves a rest, other ones each epoch.
    ///
    /// The images of a class come in rounds: no image of it a second time before all had their turn.
    static func balanced(_ labels: [Int], with generator: inout SeededGenerator) -> [Int] {
        var members = [[Int]](repeating: [], count: (labels.max() ?? -1) + 1)
        for (index, label) in labels.enumerated() { members[label].append(index) }
        members.removeAll(where: \.isEmpty)
        guard !members.isEmpty else { return [] }
        let (share, rest) = labels.count.quotientAndRemainder(dividingBy: members.count)
        let luck = generator.permutation(members.count)
        var chosen: [Int] = []
        chosen.reserveCapacity(labels.count)
        for (place, images) in zip(luck, members) {
            var left = share + (place < rest ? 1 : 0)
            while left > 0 {
                chosen += generator.permutation(images.count).prefix(left).map { images[$0] }
                left -= min(left, images.count)
            }
        }
        return generator.permutation(chosen.count).map { chosen[$0] }
    }

    /// The batches of an evaluation: all images in the data set's order.
    public static func evaluation(count: Int, batchSize: Int) -> [[Int]] {
        chunks(Array(0..<count), of: batchSize)
    }

    private static func chunks(_ indices: [Int], of size: Int) -> [[Int]] {
        stride(from: 0, to: indices.count, by: size).map { start in
            Array(indices[start..<min(start + size, indices.count)])
        }
    }
}
