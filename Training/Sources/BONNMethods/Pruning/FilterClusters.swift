public import Torch

/// The filters of a layer in groups of similar ones: K-means (Lloyd's iterations from a k-means++ start).
///
/// A function of the filters and the seed alone. No group is empty.
public struct FilterClusters: Sendable, Equatable {
    /// The group of each filter.
    public let groups: [Int]
    /// How many groups there are.
    public let count: Int

    /// The most iterations; the assignment is settled long before.
    static let mostIterations = 100

    /// Groups filters.
    ///
    /// - Parameters:
    ///   - filters: `[K, ...]`.
    ///   - count: how many groups, 1...K.
    ///   - seed: of the start.
    public init(_ filters: Tensor, count: Int, seed: UInt64 = 1) throws(TorchError) {
        let rows = try filters.detached().to(.cpu).to(.float64).flatten(from: 1)
        let filterCount = rows.shape[0]
        precondition((1...filterCount).contains(count), "\(count) groups of \(filterCount) filters")
        self.count = count
        var groups = try Self.start(rows, count, seed)
        for _ in 0..<Self.mostIterations {
            let means = try Self.means(rows, groups, count)
            let next = try Self.nearest(rows, means, before: groups)
            if next == groups { break }
            groups = next
        }
        self.groups = groups
    }

    /// The mean of each group, `[J, D]`, of rows `[K, D]`.
    static func means(
        _ rows: Tensor, _ groups: [Int], _ count: Int
    ) throws(TorchError) -> Tensor {
        let index = try Tensor(int64s: groups.map(Int64.init), shape: [groups.count])
        let sums = try Tensor.zeros([count, rows.shape[1]], dtype: .float64)
            .indexAdd(dim: 0, index, rows)
        var sizes = [Double](repeating: 0, count: count)
        for group in groups { sizes[group] += 1 }
        return try sums / Tensor(doubles: sizes, shape: [count, 1])
    }

    /// Groups around filters that are drawn one after the other, each with a chance that grows with the square of
    /// its distance from those before (Arthur and Vassilvitskii, 2007).
    private static func start(
        _ rows: Tensor, _ count: Int, _ seed: UInt64
    ) throws(TorchError) -> [Int] {
        let filterCount = rows.shape[0]
        let draws = try Generator(seed: seed).uniform([count]).doubles()
        var groups = [Int](repeating: 0, count: filterCount)
        var distances = [Double](repeating: .infinity, count: filterCount)
        var isChosen = [Bool](repeating: false, count: filterCount)
        for group in 0..<count {
            let weights = distances.indices.map { index in
                isChosen[index] ? 0 : group == 0 ? 1 : distances[index]
            }
            let chosen = pick(weights, draws[group], besides: isChosen)
            isChosen[chosen] = true
            let found = try (rows - rows.narrow(dim: 0, start: chosen, length: 1)).square().sum([1])
                .doubles()
            for index in 0..<filterCount where index == chosen || found[index] < distances[index] {
                distances[index] = index == chosen ? 0 : found[index]
                if index == chosen || !isChosen[index] { groups[index] = group }
            }
        }
        return groups
    }

    /// The index that a number in [0, 1) falls on; where all weights are 0, the first that is left.
    private static func pick(_ weights: [Double], _ draw: Double, besides taken: [Bool]) -> Int {
        var left = draw * weights.reduce(0, +)
        for (index, weight) in weights.enumerated() where weight > 0 {
            left -= weight
            if left < 0 { return index }
        }
        return weights.lastIndex { $0 > 0 } ?? taken.firstIndex(of: false) ?? 0
    }

    /// The group of the nearest mean for each row; a row stays where it is as near. A group that none is nearest to
    /// gets the row that is farthest from its own mean, of those that are not alone.
    private static func nearest(
        _ rows: Tensor, _ means: Tensor, before: [Int]
    ) throws(TorchError) -> [Int] {
        let count = means.shape[0]
        // |x - c|^2 by differences: no cancellation, so that equal filters are at no distance.
        var table: [[Double]] = []
        for group in 0..<count {
            let mean = try means.narrow(dim: 0, start: group, length: 1)
            table.append(try (rows - mean).square().sum([1]).doubles())
        }
        var groups = before
        for row in before.indices {
            for group in 0..<count where table[group][row] < table[groups[row]][row] {
                groups[row] = group
            }
        }
        for group in 0..<count where !groups.contains(group) {
            let sizes = groups.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            let candidates = groups.indices.filter { sizes[groups[$0], default: 0] > 1 }
            let farthest = candidates.max { a, b in
                table[groups[a]][a] < table[groups[b]][b]
            }
            guard let farthest else { break }
            groups[farthest] = group
        }
        return groups
    }
}
