import BONNConfiguration
import BONNModelFormat
import BONNNetworks
import Testing
import Torch

@testable import BONNMethods

/// Filters that are removed, against the whole network in which nothing reads their channels.
@Suite struct FilterPruningTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let network: String
        let widths: [Int]
        var shortcuts = 0.0
        var ranking = FilterPruning.Ranking.independent
        var testDescription: String { "\(network), shortcuts \(shortcuts), \(ranking)" }
    }

    static let cases = [
        Case(network: "wrn22", widths: [6, 6, 8, 10]),
        Case(network: "wrn22", widths: [6, 6, 8, 10], shortcuts: 0.4),
        Case(network: "resnet20", widths: [6, 6, 8, 10], shortcuts: 0.5, ranking: .greedy),
        Case(network: "vgg-small", widths: [8, 10, 12], ranking: .greedy),
        Case(network: "convnet", widths: [8, 10, 12, 16], ranking: .greedy),
        Case(network: "lenet5", widths: [6, 8, 20]),
    ]

    private static func network(
        _ name: String, _ widths: [Int], _ method: any Method, seed: UInt64
    ) throws -> (network: Network, configuration: NetworkConfiguration, size: ImageSize) {
        let entry = try #require(Networks.named(name))
        let all = entry.widths.indices.map { widths[min($0, widths.count - 1)] }
        let configuration = NetworkConfiguration(
            network: name, widths: all, classes: 5, inputChannels: entry.input.channels,
            method: method)
        let size = ImageSize(height: entry.input.height, width: entry.input.width)
        let network = try Network(configuration, for: size, seed: seed)
        // Numbers a channel that differ, as training leaves them.
        let generator = try Generator(seed: seed)
        try withoutGradient { () throws(TorchError) in
            for parameter in network.store.parameters where parameter.tensor.shape.count == 1 {
                let isVariance = parameter.name.hasSuffix("running_var")
                try parameter.tensor.copy_(
                    from: generator.uniform(parameter.tensor.shape, low: isVariance ? 0.5 : 0.1))
            }
        }
        return (network, configuration, size)
    }

    private static func pruning(_ aCase: Case) -> FilterPruning {
        var pruning = FilterPruning()
        pruning.ratio = 0.4
        pruning.shortcutRatio = aCase.shortcuts
        pruning.ranking = aCase.ranking
        return pruning
    }

    @Test(arguments: cases)
    func `the smaller network computes what the whole does where nothing reads the channels`(
        aCase: Case
    ) throws {
        let method = FullPrecision(block: BONNBlock(shortcut: .classic))
        let (network, configuration, size) = try Self.network(
            aCase.network, aCase.widths, method, seed: 7)
        let selection = try Self.pruning(aCase).selection(for: network)
        let (smaller, left) = try network.pruned(selection, configuration, for: size)
        #expect(!left.channels.isEmpty && smaller.plan != network.plan)
        #expect(
            smaller.store.parameters.reduce(0) { $0 + $1.tensor.count }
                < network.store.parameters.reduce(0) { $0 + $1.tensor.count })
        let images = try Generator(seed: 8).normal([
            3, configuration.inputChannels, size.height, size.width,
        ])
        let whole = try network(images, .evaluation).logits.doubles()
        try Self.silence(network, selection)
        let masked = try network(images, .evaluation).logits.doubles()
        let found = try smaller(images, .evaluation).logits.doubles()
        expectClose(found, masked, 2e-4, "logits")
        let changed = zip(whole, masked).contains { abs($0 - $1) > 1e-3 * max(1, abs($0)) }
        #expect(changed, "the removed filters did something")
        let again = try Network(left, for: size, seed: 1)
        #expect(again.plan == smaller.plan, "the configuration states the smaller network")
    }

    /// Sets the weights by which layers read removed channels to 0.
    private static func silence(_ network: Network, _ selection: FilterSelection) throws {
        for layer in network.plan.layers {
            guard let weight = network.store["\(layer.name).weight"], layer.layer.hasWeights,
                let kept = selection.indices(of: layer.inputs[0], network.plan)
            else { continue }
            let shape = weight.tensor.shape
            var values = try weight.tensor.detached().contiguous().floats()
            let pixels = shape.dropFirst(2).reduce(1, *)
            for filter in 0..<shape[0] {
                for plane in 0..<shape[1] where !kept.contains(plane) {
                    for pixel in 0..<pixels {
                        values[(filter * shape[1] + plane) * pixels + pixel] = 0
                    }
                }
            }
            let silenced = try Tensor(values, shape: shape)
            try withoutGradient { () throws(TorchError) in
                try weight.tensor.copy_(from: silenced)
            }
        }
    }

    @Test func `filters are ranked by their norms, greedily without planes that are gone`() throws {
        let (network, _, _) = try Self.network(
            "vgg-small", [8, 10, 12], FullPrecision(), seed: 9)
        let convolutions = network.plan.layers.filter {
            if case .convolution = $0.layer { true } else { false }
        }
        for (ranking, norm) in [
            (FilterPruning.Ranking.independent, FilterPruning.Norm.l1), (.greedy, .l1),
            (.greedy, .l2),
        ] {
            var pruning = FilterPruning()
            pruning.ratio = 0.35
            (pruning.ranking, pruning.norm) = (ranking, norm)
            let selection = try pruning.selection(for: network)
            var planes: [Int]?
            for layer in convolutions {
                let weight = try #require(network.store["\(layer.name).weight"]).tensor
                let shape = weight.shape
                let values = try weight.detached().contiguous().doubles()
                let pixels = shape[2] * shape[3]
                var norms = [Double](repeating: 0, count: shape[0])
                for (place, value) in values.enumerated() {
                    let (filter, plane) = (
                        place / pixels / shape[1], place / pixels % shape[1]
                    )
                    if ranking == .greedy, planes?.contains(plane) == false { continue }
                    norms[filter] += norm == .l1 ? abs(value) : value * value
                }
                let count = shape[0] - Int(0.35 * Double(shape[0]))
                let expected = norms.indices.sorted { norms[$0] > norms[$1] }.prefix(count).sorted()
                #expect(selection.outputs[layer.name] == count)
                planes = selection.indices(of: layer.name, network.plan)
                #expect(planes == expected, "\(layer.name), \(ranking), \(norm)")
            }
        }
    }

    @Test func `1-bit layers lose filters, and keep the signs of the others`() throws {
        for method in [
            BONN(block: BONNBlock(shortcut: .classic)) as any Method, XNORNet(), TBN(), PCNN(),
            AdaBin(),
        ] {
            let (network, configuration, size) = try Self.network(
                "vgg-small", [8, 10, 12], method, seed: 10)
            var pruning = FilterPruning()
            pruning.ratio = 0.5
            pruning.ratios = [NamedNumber("units.1", 0)]
            let selection = try pruning.selection(for: network)
            let (smaller, _) = try network.pruned(selection, configuration, for: size)
            let images = try Generator(seed: 11).normal([2, 3, 32, 32])
            #expect(try smaller(images, .evaluation).logits.allFinite())
            for (new, old) in zip(smaller.quantizedLayers, network.quantizedLayers) {
                let layer = try #require(network.plan[Name(old.name)])
                let (rows, planes) = (
                    selection.indices(of: layer.name, network.plan),
                    selection.indices(of: layer.inputs[0], network.plan)
                )
                let shape = old.latent.tensor.shape
                guard shape.count == 4, new.latent.tensor.shape.count == 4 else { continue }
                let values = try old.latent.tensor.detached().contiguous().floats()
                let pixels = shape[2] * shape[3]
                var expected: [Float] = []
                for row in rows ?? Array(0..<shape[0]) {
                    for plane in planes ?? Array(0..<shape[1]) {
                        let start = (row * shape[1] + plane) * pixels
                        expected += values[start..<start + pixels]
                    }
                }
                #expect(
                    try new.latent.tensor.detached().contiguous().floats() == expected,
                    "\(new.name)")
                #expect((rows == nil) == new.name.hasPrefix("units.1."))
            }
        }
    }

    @Test func `filters that repeat an earlier one are removed alone`() throws {
        let (network, configuration, size) = try Self.network(
            "vgg-small", [8, 10, 12], BONN(), seed: 12)
        let layer = network.quantizedLayers[0]
        let shape = layer.latent.tensor.shape
        let index = try Tensor(int64s: (0..<shape[0]).map { Int64($0 % 3) }, shape: [shape[0]])
        try withoutGradient { () throws(TorchError) in
            try layer.latent.tensor.copy_(from: layer.latent.tensor.indexSelect(dim: 0, index))
        }
        var pruning = FilterPruning()
        pruning.removesDuplicates = true
        let selection = try pruning.selection(for: network)
        #expect(selection.outputs == [Name(layer.name): 3])
        #expect(selection.indices(of: Name(layer.name), network.plan) == [0, 1, 2])
        let counts = try network.pruningCounts()
        let count = try #require(counts.first { $0.layer == layer.name })
        #expect(count.isBinary && count.filters == shape[0] && count.differentFilters == 3)
        #expect(count.bits == shape.reduce(1, *))
        #expect(count.bitsLeft == 3 * shape.dropFirst().reduce(1, *) + 2 * shape[0])
        _ = try network.pruned(selection, configuration, for: size)
    }

    @Test func `names that no layer has are refused`() throws {
        let (network, _, _) = try Self.network("vgg-small", [4, 4, 4], FullPrecision(), seed: 13)
        var pruning = FilterPruning()
        pruning.ratios = [NamedNumber("stages.9", 0.5)]
        #expect {
            _ = try pruning.selection(for: network)
        } throws: { error in
            (error as? NetworkError)?.message.hasPrefix("stages.9=0.5: expected the name") == true
        }
    }
}
