import BONNExport
import BONNMethods
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import Testing

@testable import BONNCompare

@Suite struct NetworkCostTests {
    private static func network(
        _ name: String, _ method: any Method, widths: [Int]? = nil
    ) throws -> Network {
        let configuration = NetworkConfiguration(
            network: name, widths: widths, classes: name == "resnet18" ? 1000 : 10,
            inputChannels: 3, method: method)
        return try Network(configuration, seed: 1)
    }

    /// methods.md 3.5: 33.6 to 33.7 Mbit, 1.68e9 BOPs, about 1.4e8 FLOPs, 1.63e8 OPs.
    @Test(arguments: [BiRealNet() as any Method, BONN()].map { type(of: $0).card.name })
    func `ResNet-18 costs what papers print`(method: String) throws {
        let cost = NetworkCost(
            try Self.network("resnet18", try #require(Methods.named(method)).init()))
        #expect((33.55..<33.75).contains(cost.megabits), "\(cost.megabits) Mbit")
        #expect((1.675e9..<1.685e9).contains(Double(cost.binaryMacs)))
        #expect((1.35e8..<1.42e8).contains(Double(cost.realMacs)))
        #expect((1.62e8..<1.65e8).contains(cost.operations), "\(cost.operations) OPs")
    }

    @Test func `the parts of ResNet-18 are those of a calculation by hand`() throws {
        let cost = NetworkCost(try Self.network("resnet18", BiRealNet()))
        // Stages of four 3x3 convolutions, the first of which doubles the channels but in stage 1.
        let stages = [(64, 64, 56), (64, 128, 28), (128, 256, 14), (256, 512, 7)]
        var weights = 0
        var macs = 0
        var shortcuts = (weights: 0, macs: 0)
        for (before, channels, side) in stages {
            let first = 9 * before * channels
            let others = 3 * 9 * channels * channels
            weights += first + others
            macs += (first + others) * side * side
            guard before != channels else { continue }
            shortcuts.weights += before * channels
            shortcuts.macs += before * channels * side * side
        }
        #expect(cost.binaryParameters == weights && cost.binaryMacs == macs)
        #expect(cost.realMacs == 7 * 7 * 3 * 64 * 112 * 112 + shortcuts.macs + 512 * 1000)
        let norms = 2 * (64 + 4 * 64 + 4 * 128 + 4 * 256 + 4 * 512 + 128 + 256 + 512)
        let scales = 4 * (64 + 128 + 256 + 512)
        #expect(
            cost.realParameters
                == 7 * 7 * 3 * 64 + shortcuts.weights + 512 * 1000 + 1000 + norms + scales)
    }

    @Test
    func `in full precision all is real, and ResNet-18 has the parameters that everybody knows`()
        throws
    {
        let cost = NetworkCost(try Self.network("resnet18", FullPrecision()))
        #expect(cost.binaryParameters == 0 && cost.binaryMacs == 0)
        // 11 689 512 of torchvision, and the slopes of PReLUs in the place of ReLUs.
        #expect((11_689_512...11_700_000).contains(cost.realParameters))
        #expect((1.81e9..<1.82e9).contains(Double(cost.realMacs)))
        let small = NetworkCost(try Self.network("wrn22", BONN()))
        #expect((0.27e6..<0.28e6).contains(Double(small.parameters)), "0.27 M in BONN's table")
        let linear = NetworkCost(try Self.network("linear", FullPrecision()))
        #expect(
            linear
                == {
                    var cost = NetworkCost(); cost.realParameters = 30_730
                    cost.realMacs = 30_720
                    return cost
                }())
    }

    @Test func `terms and planes multiply the work, terms alone the bits`() throws {
        let one = NetworkCost(try Self.network("wrn22", BiRealNet()))
        let ternary = NetworkCost(try Self.network("wrn22", TBN()))
        #expect(ternary.binaryMacs == 2 * one.binaryMacs)
        #expect(ternary.binaryParameters == one.binaryParameters)
        let many = NetworkCost(
            try Self.network("wrn22", ABCNet(kernelTerms: 3, activationPlanes: 5)))
        #expect(many.binaryMacs == 3 * 5 * one.binaryMacs)
        #expect(many.binaryParameters == 3 * one.binaryParameters)
        let weightsOnly = NetworkCost(try Self.network("wrn22", BWN()))
        #expect(weightsOnly.binaryMacs == 0 && weightsOnly.binaryParameters > 0)
        #expect(weightsOnly.realMacs > one.realMacs)
    }

    /// The runtime counts what it computes, layer by layer, from the model file.
    @Test(arguments: Methods.names)
    func `the runtime counts the same work`(method: String) throws {
        let network = try Self.network(
            "wrn22", try #require(Methods.named(method)).init(), widths: [8, 8, 16, 24])
        guard let file = try? network.lowered().file else { return }
        var session = try InferenceSession(try Model(file))
        let image = [Float](repeating: 0.5, count: file.metadata.graph.input.shape.count)
        let layers = try session.profile(image, runs: 1)
        let cost = NetworkCost(network)
        #expect(cost.binaryMacs == layers.reduce(0) { $0 + $1.binaryMACs })
        #expect(cost.realMacs == layers.reduce(0) { $0 + $1.realMACs })
        // Bits and numbers are what the file holds, but for its header and tables of thresholds.
        let bytes = try file.serialized().count
        #expect(cost.megabits * 1e6 / 8 < Double(bytes))
    }
}
