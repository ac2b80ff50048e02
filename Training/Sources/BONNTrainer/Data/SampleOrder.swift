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
    /// The batches of a training epoch: a permutation of all images that depends on the seed and
    /// the epoch alone.
    public static func training(
        count: Int, batchSize: Int, dropLast: Bool, seed: Int, epoch: Int
    ) -> [[Int]] {
        var generator = RandomStream.order.generator(seed: seed, epoch)
        let batches = chunks(generator.permutation(count), of: batchSize)
        guard dropLast, batches.count > 1, batches[batches.count - 1].count < batchSize else {
            return batches
        }
        return batches.dropLast()
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
