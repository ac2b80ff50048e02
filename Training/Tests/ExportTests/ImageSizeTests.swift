import BONNConfiguration
import BONNMethods
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import Testing
import Torch

@testable import BONNExport

/// Networks for images that are not square, or whose sides a stride of 2 does not divide.
@Suite struct ImageSizeTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let configuration: NetworkConfiguration
        let size: ImageSize
        var testDescription: String { "\(configuration.network) for \(size.height)x\(size.width)" }
    }

    private static let wrn22 = NetworkConfiguration(
        network: "wrn22", widths: [6, 8, 20, 70], classes: 5)
    private static let resnet18 = NetworkConfiguration(
        network: "resnet18", widths: [8, 8, 16, 24, 66], classes: 7, method: BONN(reading: .divide))
    private static let classic = NetworkConfiguration(
        network: "resnet18", widths: [4, 4, 6, 8, 10], stem: .cifar, inputChannels: 1,
        method: BONN(block: BONNBlock(shortcut: .classic, placement: .beforeAddition)))
    private static let real = NetworkConfiguration(
        network: "wrn22", widths: [4, 4, 6, 8], method: FullPrecision())

    static let cases: [Case] = [
        Case(configuration: wrn22, size: ImageSize(height: 13, width: 30)),
        Case(configuration: wrn22, size: ImageSize(height: 31, width: 17)),
        Case(configuration: wrn22, size: ImageSize(33)),
        Case(configuration: wrn22, size: ImageSize(height: 1, width: 9)),
        Case(configuration: resnet18, size: ImageSize(height: 49, width: 100)),
        Case(configuration: resnet18, size: ImageSize(75)),
        Case(configuration: resnet18, size: ImageSize(height: 96, width: 32)),
        Case(configuration: resnet18, size: ImageSize(2)),
        Case(configuration: classic, size: ImageSize(height: 11, width: 22)),
        Case(configuration: real, size: ImageSize(height: 10, width: 15)),
    ]

    @Test(arguments: cases)
    func `the runtime computes what the network computes, at every size`(aCase: Case) throws {
        let network = try ParityTests.network(aCase.configuration, for: aCase.size, seed: 21)
        let (height, width) = (aCase.size.height, aCase.size.width)
        let images = try Generator(seed: 22).normal(
            [3, aCase.configuration.inputChannels, height, width])
        let export = try ModelExport(network, batches: [images])
        // Kernel sets among each other in bits, and the network with all of them without any difference.
        #expect(export.parity.entries.count == KernelSet.available.count * 2)
        #expect(export.parity.entries.allSatisfy { $0.differingFromFirst == 0 })
        #expect(export.parity.certificate.maxAbsDifference == 0)
    }

    @Test(arguments: [(2, 4), (3, 4), (4, 5), (7, 3), (1, 1), (1, 6)])
    func `the exported pooling of a shortcut is PyTorch's pooling with ceil_mode`(
        height: Int, width: Int
    ) throws {
        let network = try Network(
            Self.wrn22, for: ImageSize(height: height, width: width), seed: 5)
        let file = try network.lowered().file
        let pool = try #require(
            file.metadata.graph.nodes.first { $0.name == "stages.1.0.shortcut.pool" })
        let graph = Graph(
            input: GraphInput(name: "x", shape: Shape(3, height, width), element: .real),
            nodes: [
                Node("pool", pool.operation, inputs: ["x"]),
                Node("mean", .globalAveragePool, inputs: ["pool"]),
            ], output: "mean")
        let x = try Generator(seed: 6).normal([1, 3, height, width])
        let expected = try x.to(.float64).avgPool2d(kernel: 2, stride: 2, ceilMode: true)
            .to(.float32)
        for kernels in KernelSet.available {
            let model = try Model(
                ModelFile(metadata: ModelMetadata(graph: graph), tensors: [:]), kernels: kernels,
                exposing: ["pool"])
            var session = try InferenceSession(model)
            #expect(
                try session.values(of: ["pool"], input: x.floats())["pool"] == expected.floats())
        }
    }

    @Test func `pooling comes before the convolution at odd sizes too`() throws {
        let network = try Network(Self.wrn22, for: ImageSize(height: 15, width: 9), seed: 5)
        let nodes = try network.lowered().file.metadata.graph.nodes
        let names = nodes.map(\.name)
        let pool = try #require(names.firstIndex(of: "stages.1.0.shortcut.pool"))
        let convolution = try #require(names.firstIndex(of: "stages.1.0.shortcut.convolution"))
        #expect(pool < convolution && nodes[convolution].inputs == [nodes[pool].name])
    }

    @Test func `8-bit layers agree at odd sizes too`() throws {
        let network = try ParityTests.network(
            Self.wrn22, for: ImageSize(height: 13, width: 18), seed: 23)
        let images = try Generator(seed: 24).normal([2, 3, 13, 18])
        var calibration = Int8Calibration()
        try calibration.observe(DeployedNetwork(network), images)
        let export = try ModelExport(network, int8: calibration.limits(), batches: [images])
        #expect(export.parity.certificate.maxAbsDifference == 0)
    }
    @Test(arguments: [(5, 7), (6, 8), (4, 4)])
    func `an average pooling that leaves rows out is trained as it is deployed`(
        height: Int, width: Int
    ) throws {
        // Windows side by side, without a padding that would reach what is left.
        for window in [
            Window(2, stride: 2), Window(3, stride: 2), Window(3, stride: 2, padding: 1),
        ] {
            var plan = PlanBuilder(input: Shape(2, height, width))
            let x = try plan.add(
                .averagePool(Pool(window: window)), "pool", PlanBuilder.input)
            let network = try Network(plan.ended(x, classes: 2), FullPrecision(), seed: 7)
            let images = try Generator(seed: 8).normal([2, 2, height, width])
            let shape = try #require(network.plan.shape(of: "pool"))
            let pooled = try network.evaluated("pool", [images])
            #expect(pooled.shape == [2, 2, shape.height, shape.width], "\(window)")
            let export = try ModelExport(network, batches: [images])
            #expect(export.parity.certificate.maxAbsDifference == 0)
        }
    }
}
