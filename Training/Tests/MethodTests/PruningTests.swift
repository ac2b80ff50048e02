import BONNConfiguration
import BONNModelFormat
import BONNNetworks
import Testing
import Torch

@testable import BONNMethods

/// Weights that become 0, and filters that become the same, against plain loops.
@Suite struct PruningTests {
    private static func network(_ method: any Method, seed: UInt64) throws -> Network {
        let entry = try #require(Networks.named("wrn22"))
        let plan = try entry.plan(
            input: Shape(3, 12, 12), classes: 4, widths: [4, 4, 6, 8], style: method.style)
        return try Network(plan, method, seed: seed)
    }

    private static func set(_ tensor: Tensor, _ values: [Float]) throws {
        let new = try Tensor(values, shape: tensor.shape)
        try withoutGradient { () throws(TorchError) in try tensor.copy_(from: new) }
    }

    // MARK: Weights

    @Test func `weights below q standard deviations are masked`() throws {
        var values = try Generator(seed: 1).normal([4, 3, 3, 3]).floats()
        values[5] = 0
        let mask = try MagnitudePruning.mask(of: Tensor(values, shape: [4, 3, 3, 3]), 0.8).floats()
        let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
        var variance = 0.0
        for value in values {
            let offset = Double(value) - mean
            variance += offset * offset / Double(values.count)
        }
        #expect(mask == values.map { Double(abs($0)) < 0.8 * variance.squareRoot() ? 0 : 1 })
        #expect(mask.contains(0) && mask.contains(1))
        let kept = try MagnitudePruning.mask(of: Tensor(values, shape: [4, 27]), 0).floats()
        #expect(kept == values.map { $0 == 0 ? 0 : 1 }, "zeros stay with q = 0")
    }

    @Test func `pruned weights stay 0, whatever the optimizer does, and others keep their values`()
        throws
    {
        let network = try Self.network(FullPrecision(), seed: 2)
        let before = try network.realWeights.map { try $0.weight.tensor.detached().clone() }
        var settings = PruningConfiguration()
        settings.magnitude = 0.7
        settings.layers = [NamedNumber("stages.2", 1.5), NamedNumber("stages.2.0.0", 0)]
        let rule = try #require(try settings.rules(for: network).first)
        #expect(rule.state.count == network.realWeights.count)
        var masks: [Name: Tensor] = [:]
        for (index, (name, _)) in network.realWeights.enumerated() {
            let q =
                name.hasPrefix("stages.2.0.0.") ? 0 : name.hasPrefix("stages.2.") ? 1.5 : 0.7
            masks[Name(name)] = try MagnitudePruning.mask(of: before[index], q)
        }
        _ = try LostConnections(network.plan, pruning: &masks)
        for (index, (name, weight)) in network.realWeights.enumerated() {
            let mask = try #require(masks[Name(name)])
            #expect(try weight.tensor.detached().equals(before[index] * mask), "\(name)")
            #expect(try rule.state[index].tensor.equals(mask), "\(name)")
            try Self.set(weight.tensor, try (weight.tensor.detached() + 1.0).contiguous().floats())
        }
        try rule.afterUpdate(.start)
        for ((name, weight), mask) in zip(network.realWeights, rule.state) {
            let zeros = try weight.tensor.detached().eq(0.0).to(.float32)
            #expect(try zeros.equals(1.0 - mask.tensor), "\(name)")
        }
        let counts = try network.pruningCounts()
        for (count, mask) in zip(counts, rule.state) {
            let left = Int(try mask.tensor.to(.float64).sum().item())
            #expect(count.weightsLeft == left && count.weights == mask.tensor.count)
            let bits = left * (32 + (count.layer == "head" ? 5 : 8))
            #expect(count.bitsLeft == (left == count.weights ? 32 * left : bits))
        }
    }

    @Test(arguments: [
        (true, PruningConfiguration(magnitude: 0.5), "pruning.magnitude: expected real weights"),
        (
            true, PruningConfiguration(trains: .fullyConnected),
            "pruning.trains: expected real weights"
        ),
        (
            false, PruningConfiguration(layers: [NamedNumber("nowhere", 1)]),
            "pruning.layers: expected"
        ),
        (
            false, PruningConfiguration(groups: 0.5),
            "pruning.groups: expected a network with quantized"
        ),
    ])
    func `a network without what is to be pruned is refused`(
        isBinary: Bool, settings: PruningConfiguration, expected: String
    ) throws {
        let network = try Self.network(
            isBinary ? BONN() as any Method : FullPrecision(), seed: 3)
        #expect {
            _ = try settings.rules(for: network)
        } throws: { error in
            (error as? NetworkError)?.message.hasPrefix(expected) == true
        }
    }

    // MARK: Groups of filters

    private static func distance(_ a: [Double], _ b: [Double]) -> Double {
        var sum = 0.0
        for (x, y) in zip(a, b) { sum += (x - y) * (x - y) }
        return sum
    }

    /// The mean of the rows in each of so many groups.
    private static func means(_ rows: [[Double]], _ groups: [Int], _ count: Int) -> [[Double]] {
        var means = [[Double]](
            repeating: [Double](repeating: 0, count: rows[0].count), count: count)
        for (row, group) in zip(rows, groups) {
            let size = Double(groups.count { $0 == group })
            for (column, value) in row.enumerated() { means[group][column] += value / size }
        }
        return means
    }

    /// The sum of squared distances from the means of groups.
    private static func spread(_ rows: [[Double]], _ groups: [Int]) -> Double {
        let means = means(rows, groups, 3)
        var sum = 0.0
        for (row, group) in zip(rows, groups) { sum += distance(row, means[group]) }
        return sum
    }

    @Test func `clusters that are apart are found, as trying all groupings finds them`() throws {
        let noise = try gaussian(7 * 4, seed: 4, deviation: 0.1)
        let centers = [0, 0, 1, 2, 1, 0, 2]
        var rows: [[Double]] = []
        for row in 0..<7 {
            var values: [Double] = []
            for column in 0..<4 {
                values.append(Double(centers[row] * (column + 1)) + noise[row * 4 + column])
            }
            rows.append(values)
        }
        let clusters = try FilterClusters(double(rows.flatMap { $0 }, [7, 4]), count: 3)
        var best = (Double.infinity, [Int]())
        for code in 0..<2187 {
            var (rest, groups) = (code, [Int]())
            for _ in 0..<7 {
                groups.append(rest % 3)
                rest /= 3
            }
            guard Set(groups).count == 3 else { continue }
            let found = Self.spread(rows, groups)
            if found < best.0 { best = (found, groups) }
        }
        #expect(abs(Self.spread(rows, clusters.groups) - best.0) < 1e-9)
        for a in 0..<7 {
            for b in 0..<7 {
                #expect((clusters.groups[a] == clusters.groups[b]) == (best.1[a] == best.1[b]))
            }
        }
    }

    @Test(arguments: [(20, 7), (16, 16), (5, 1), (12, 11)])
    func `every filter is in the group whose mean is nearest, and no group is empty`(
        filters: Int, count: Int
    ) throws {
        let values = try gaussian(filters * 9, seed: 5)
        let rows = (0..<filters).map { Array(values[$0 * 9..<$0 * 9 + 9]) }
        let clusters = try FilterClusters(double(values, [filters, 1, 3, 3]), count: count)
        #expect(Set(clusters.groups) == Set(0..<count))
        let means = Self.means(rows, clusters.groups, count)
        for (row, group) in zip(rows, clusters.groups) {
            let distances = means.map { Self.distance(row, $0) }
            #expect(distances[group] <= distances.min()! + 1e-12)
        }
        #expect(try FilterClusters(double(values, [filters, 9]), count: count) == clusters)
    }

    @Test func `filters that are the same share a group, which a second run finds again`() throws {
        let values = try gaussian(4 * 6, seed: 6)
        let rows = [2, 0, 1, 0, 3, 2, 1, 0].flatMap { values[$0 * 6..<$0 * 6 + 6] }
        let groups = try FilterClusters(double(rows, [8, 6]), count: 4).groups
        #expect(groups[1] == groups[3] && groups[3] == groups[7])
        #expect(groups[0] == groups[5] && groups[2] == groups[6])
        #expect(Set(groups).count == 4)
        // More groups than different filters: none is empty all the same.
        #expect(Set(try FilterClusters(double(rows, [8, 6]), count: 6).groups).count == 6)
    }

    @Test func `the loss of groups and its gradient are those of 3.109 and 3.120`() throws {
        let (filters, columns, nu) = (6, 5, 0.03)
        let groups = [0, 2, 0, 1, 2, 2]
        let point = try gaussian(filters * columns, seed: 7)
        let variances = [0.2, 0.5, 0.04]
        func means(_ x: [Double]) -> [[Double]] {
            let rows = (0..<filters).map { Array(x[$0 * columns..<($0 + 1) * columns]) }
            return Self.means(rows, groups, 3)
        }
        func loss(_ x: [Double]) -> Double {
            let means = means(x)
            var sum = 0.0
            for row in 0..<filters {
                let variance = variances[groups[row]]
                for column in 0..<columns {
                    let residual = x[row * columns + column] - means[groups[row]][column]
                    sum += residual * residual + nu * residual * residual / variance
                    sum += nu * loggingE(variance)
                }
            }
            return sum
        }
        let index = try Tensor(int64s: groups.map(Int64.init), shape: [filters])
        let latent = try leaf(point, [filters, 1, 1, columns])
        let found = try GroupPruning.loss(
            of: latent, index, variances: double(variances, [3]), nu: nu)
        expectClose([try found.item()], [loss(point)], 1e-12, "L_P")
        try found.backward()
        let gradient = try #require(latent.grad).doubles()
        expectClose(gradient, finiteDifferences(at: point, loss), 1e-7, "finite differences")
        let centers = means(point)
        let printed = (0..<filters * columns).map { (place: Int) -> Double in
            let group = groups[place / columns]
            let residual: Double = point[place] - centers[group][place % columns]
            return 2 * residual + 2 * nu / variances[group] * residual
        }
        expectClose(gradient, printed, 1e-12, "3.120")
    }

    @Test func `filters of a group get the mean of their gradients and the pull to their mean`()
        throws
    {
        let network = try Self.network(BONN(), seed: 8)
        var settings = PruningConfiguration(groups: 0.4)
        settings.groupLoss = 0.7
        settings.nu = 2e-4
        let rule = try #require(try settings.rules(for: network).first as? GroupPruning)
        #expect(rule.state.count == 2 * network.quantizedLayers.count)
        try rule.beginEpoch(.start)
        let generator = try Generator(seed: 9)
        var gradients: [[Double]] = []
        for layer in network.quantizedLayers {
            let gradient = try generator.normal(layer.latent.tensor.shape)
            gradients.append(try gradient.doubles())
            try layer.latent.tensor.setGrad(gradient)
        }
        try rule.gradientsReady(.start)
        for (place, layer) in network.quantizedLayers.enumerated() {
            let shape = layer.latent.tensor.shape
            let length = shape.dropFirst().reduce(1, *)
            let x = try layer.latent.tensor.detached().contiguous().doubles()
            let groups = try rule.state[2 * place].tensor.floats().map { Int($0) }
            #expect(Set(groups).count == max(1, Int(Double(shape[0]) * 0.4)))
            let variances = try rule.state[2 * place + 1].tensor.doubles()
            func mean(_ values: [Double], _ group: Int, _ column: Int) -> Double {
                var (sum, count) = (0.0, 0.0)
                for row in groups.indices where groups[row] == group {
                    sum += values[row * length + column]
                    count += 1
                }
                return sum / count
            }
            for group in Set(groups) {
                let members = groups.indices.filter { groups[$0] == group }
                var sum = 0.0
                for row in members {
                    for column in 0..<length {
                        let residual = x[row * length + column] - mean(x, group, column)
                        sum += residual * residual / Double(members.count * length)
                    }
                }
                #expect(abs(variances[group] - max(1e-6, sum)) <= 1e-5 * max(1e-6, sum))
            }
            var expected: [Double] = []
            for row in 0..<shape[0] {
                for column in 0..<length {
                    let group = groups[row]
                    let residual = x[row * length + column] - mean(x, group, column)
                    let pull: Double = 1.4 * residual * (1 + 2e-4 / variances[group])
                    expected.append(mean(gradients[place], group, column) + pull)
                }
            }
            let found = try #require(layer.latent.tensor.grad).contiguous().doubles()
            expectClose(found, expected, 1e-5, layer.name)
        }
    }

    @Test func `residuals shrink evenly until the filters of a group are the same in every bit`()
        throws
    {
        let network = try Self.network(BONN(), seed: 10)
        let settings = PruningConfiguration(groups: 0.5, convergence: 0.75)
        let rule = try #require(try settings.rules(for: network).first)
        let layer = try #require(network.quantizedLayers.last)
        let groups = try #require(
            rule.state.first { $0.name == "pruning.\(layer.name).groups" }
        ).tensor.floats()
        let count = layer.latent.tensor.shape[0]
        let (a, b) = try #require(
            (0..<count).lazy.flatMap { a in (a + 1..<count).map { (a, $0) } }
                .first { groups[$0.0] == groups[$0.1] })
        func difference() throws -> Double {
            let rows = try layer.latent.tensor.detached().flatten(from: 1)
            let first = try rows.narrow(dim: 0, start: a, length: 1)
            return try (first - rows.narrow(dim: 0, start: b, length: 1)).abs().sum().item()
        }
        let start = try difference()
        #expect(start > 0)
        // 4 epochs of 5 steps: 15 to converge.
        var progress = RunProgress(epoch: 0, epochs: 4)
        progress.steps = 5
        for step in 0..<20 {
            (progress.epoch, progress.step) = (step / 5, step % 5)
            // However often the method updates in it.
            for _ in 0...step % 2 { try rule.afterUpdate(progress) }
            let expected = start * max(0, 1 - Double(step + 1) / 15)
            let found = try difference()
            #expect(abs(found - expected) < 1e-5 * start, "step \(step)")
            #expect(step < 14 || found == 0, "step \(step)")
        }
    }
}

extension PruningConfiguration {
    fileprivate init(
        magnitude: Double? = nil, layers: [NamedNumber] = [], groups: Double = 0,
        convergence: Double = 0.75, trains: TrainedPart = .all
    ) {
        self.init()
        self.magnitude = magnitude
        self.layers = layers
        self.groups = groups
        self.convergence = convergence
        self.trains = trains
    }
}
