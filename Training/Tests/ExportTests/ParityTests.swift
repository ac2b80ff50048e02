import BONNConfiguration
import BONNMethods
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import Testing
import Torch

@testable import BONNExport

@Suite struct ParityTests {
    /// A network and the image size to try it with.
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let configuration: NetworkConfiguration
        let side: ImageSize
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(
            name: "WRN-22, per-convolution shortcuts",
            configuration: .init(network: "wrn22", widths: [8, 8, 20, 70], classes: 5), side: 16),
        Case(
            name: "WRN-22, classic shortcuts, PReLU before the addition",
            configuration: .init(
                network: "wrn22", widths: [4, 6, 8, 10], inputChannels: 1,
                method: BONN(
                    block: BONNBlock(shortcut: .classic, placement: .beforeAddition))), side: 20),
        Case(
            name: "WRN-40, reading B",
            configuration: .init(
                network: "wrn40", widths: [4, 4, 6, 8], method: BONN(reading: .divide)), side: 8),
        Case(
            name: "ResNet-18, ImageNet stem",
            configuration: .init(network: "resnet18", widths: [8, 8, 16, 24, 32], classes: 7),
            side: 64),
        Case(
            name: "ResNet-34, CIFAR stem, reading C",
            configuration: .init(
                network: "resnet34", widths: [4, 4, 6, 8, 66], stem: .cifar,
                method: BONN(reading: .reconstruct)),
            side: 16),
        Case(
            name: "WRN-22 in full precision",
            configuration: .init(network: "wrn22", widths: [4, 4, 6, 8], method: FullPrecision()),
            side: 8),
        Case(
            name: "ResNet-18 in full precision",
            configuration: .init(
                network: "resnet18", widths: [4, 4, 6, 8, 10],
                method: FullPrecision(block: BONNBlock(shortcut: .classic))),
            side: 32),
    ]

    /// A network whose batch norms look trained: scales of both signs, some zero.
    static func network(
        _ configuration: NetworkConfiguration, for size: ImageSize, seed: UInt64
    ) throws -> Network {
        let network = try Network(configuration, for: size, seed: seed)
        try makeLookTrained(network, seed: seed)
        return network
    }

    /// Batch norms, slopes and shifts as after some training.
    static func makeLookTrained(_ network: Network, seed: UInt64) throws {
        let generator = try Generator(seed: seed)
        try withoutGradient { () throws(TorchError) in
            for parameter in network.store.parameters {
                let tensor = parameter.tensor
                switch parameter.role {
                case .batchNorm:
                    let values = try generator.normal(tensor.shape, mean: 0.5, std: 0.7)
                    let keep = try generator.bernoulli(tensor.shape, probability: 0.95)
                    try tensor.copy_(from: values * keep)
                case .prelu, .shift:
                    try tensor.copy_(from: generator.normal(tensor.shape, std: 0.5))
                case .buffer where parameter.name.hasSuffix("running_mean"):
                    try tensor.copy_(from: generator.normal(tensor.shape, std: 0.3))
                case .buffer where parameter.name.hasSuffix("running_var"):
                    try tensor.copy_(from: generator.uniform(tensor.shape, low: 0.3, high: 2))
                default: break
                }
            }
        }
    }

    static func images(_ count: Int, _ aCase: Case, seed: UInt64) throws -> Tensor {
        let shape = [
            count, aCase.configuration.inputChannels, aCase.side.height, aCase.side.width,
        ]
        return try Generator(seed: seed).normal(shape)
    }

    @Test(arguments: cases)
    func `the runtime computes what the network computes`(aCase: Case) throws {
        let network = try Self.network(aCase.configuration, for: aCase.side, seed: 77)
        let batches = [
            try Self.images(3, aCase, seed: 5), try Self.images(2, aCase, seed: 6),
        ]
        let export = try ModelExport(network, batches: batches)
        #expect(export.parity.images == 5)
        #expect(export.parity.entries.count == KernelSet.available.count * 2)
        #expect(export.parity.entries.allSatisfy { $0.differingFromFirst == 0 })
        #expect((export.layerValues > 0) == (aCase.configuration.method.name == "bonn"))
        // Both sides compute one arithmetic, so nothing differs at all.
        #expect(export.parity.certificate.maxAbsDifference == 0)
        let file = try ModelFile(bytes: export.bytes)
        var certificate = export.parity.certificate
        certificate.network = try file.networkDigest()
        #expect(file.metadata.parity == certificate)
    }

    /// Shortcuts, plain layers and fully connected ones, and a network with an order of layers of its own.
    @Test(arguments: ["wrn22", "resnet18", "lenet5", "vgg-small", "alexnet", "quicknet"])
    func `sums times the magnitudes of activations are exported in bits`(name: String) throws {
        let entry = try #require(Networks.named(name))
        let method = XNORNet(scaledActivations: true)
        let side = max(9, entry.smallestSide)
        let plan = try entry.plan(
            input: Shape(entry.input.channels, side, side + 3), classes: 5,
            widths: entry.widths.indices.map { 8 + 2 * $0 }, style: method.style)
        let network = try Network(plan, method, seed: 84)
        try Self.makeLookTrained(network, seed: 84)
        let images = try Generator(seed: 85).normal([3, entry.input.channels, side, side + 3])
        let export = try ModelExport(network, batches: [images])
        #expect(export.parity.entries.count == KernelSet.available.count * 2)
        #expect(export.parity.certificate.maxAbsDifference == 0 && export.layerValues > 0)
        let operations = try ModelFile(bytes: export.bytes).metadata.graph.nodes.map(\.operation)
        #expect(operations.count { $0 == .multiply } == network.quantizedLayers.count)
        // And K decides something: without it the logits are others.
        let plain = try Network(plan, XNORNet(), seed: 84)
        try Self.makeLookTrained(plain, seed: 84)
        let (scaled, unscaled) = try withoutGradient {
            (
                try network(images, .evaluation).logits.floats(),
                try plain(images, .evaluation).logits.floats()
            )
        }
        #expect(scaled != unscaled)
    }

    @Test func `deployment arithmetic is evaluation up to rounding`() throws {
        // In full precision no sign turns a rounding difference into a large one.
        let aCase = Self.cases[5]
        let network = try Self.network(aCase.configuration, for: aCase.side, seed: 78)
        let images = try Self.images(4, aCase, seed: 7)
        let (fast, exact) = try withoutGradient {
            (
                try network(images, .evaluation).logits.to(.float64).doubles(),
                try DeployedNetwork(network)(images).logits.to(.float64).doubles()
            )
        }
        let largest = exact.map(abs).max() ?? 0
        #expect(zip(fast, exact).allSatisfy { abs($0 - $1) < 1e-4 * largest })
    }

    @Test func `the packed sums times wbar are the training convolution's output`() throws {
        // Acceptance test 5 of methods.md 1.14.
        var plan = PlanBuilder(input: Shape(37, 9, 9))
        let bits = try plan.add(.quantize, "sign", PlanBuilder.input)
        let y = try plan.convolution(
            bits, "layer", outputs: 19, window: Window(3, stride: 2, padding: 1),
            weights: .quantized)
        let network = try Network(
            plan.plan(features: y, output: y), BONN(initialScale: 0.05), seed: 9)
        let layer = try #require(network.quantizedLayers.first)
        let kernel = try #require(layer.quantizer as? BONNKernel)
        let arithmetic = DeployedNetwork(network)
        let x = try Generator(seed: 10).normal([2, 37, 9, 9])
        let planes = try arithmetic.planes("sign", of: x)
        #expect(planes.count == 1 && planes[0].weight == 1)
        let (sums, deployed, trained, wbar) = try withoutGradient {
            (
                try planes[0].bits.conv2d(
                    signOrPlusOne(layer.latent.tensor), stride: 2, padding: 1
                ).floats(),
                try arithmetic.sums("layer", of: planes, from: "sign").sums.floats(),
                try network(x, .training).logits.floats(), try kernel.scale.tensor.mean()
            )
        }
        let scale = try wbar.floats()[0]
        #expect(sums.allSatisfy { $0 == $0.rounded() && abs($0) <= 37 * 9 })
        #expect(sums.count == deployed.count && zip(sums, deployed).allSatisfy { $0 * scale == $1 })
        #expect(zip(deployed, trained).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test func `a file that differs in one weight is refused`() throws {
        let aCase = Self.cases[0]
        let network = try Self.network(aCase.configuration, for: aCase.side, seed: 80)
        var file = try network.lowered().file
        let name: Name = "stages.0.0.0.convolution.weight"
        let tensor = try #require(file.tensors[name])
        file.tensors[name] = ModelTensor(
            u64: tensor.words().map { $0 ^ 1 }, shape: tensor.shape)
        let models = try KernelSet.available.map { try Model(file, kernels: $0) }
        var check = try ParityCheck(models, batch: 4)
        try check.compare(DeployedNetwork(network), Self.images(4, aCase, seed: 8))
        let parity = check.parity
        #expect(!parity.passed)
        #expect {
            try parity.require()
        } throws: { error in
            (error as? ExportError)?.code == .parity
        }
    }

    @Test func `weights that are not finite are refused by name`() throws {
        let aCase = Self.cases[0]
        let network = try Self.network(aCase.configuration, for: aCase.side, seed: 81)
        try withoutGradient { () throws(TorchError) in
            try network.store["stem.convolution.weight"]?.tensor.fill_(.nan)
        }
        #expect {
            _ = try network.lowered()
        } throws: { error in
            let failure = error as? ExportError
            return failure?.code == .notFinite
                && failure?.message.contains("stem.convolution") == true
        }
    }

    @Test(arguments: [(0, 32), (32, 0), (-1, 32), (32, -7)])
    func `images that do not fit the network are refused`(height: Int, width: Int) throws {
        let configuration = NetworkConfiguration(network: "wrn22", widths: [4, 4, 4, 4])
        #expect {
            _ = try Network(configuration, for: ImageSize(height: height, width: width), seed: 1)
        } throws: { error in
            (error as? NetworkError)?.message.contains(
                "images of \(height)x\(width) are too small for wrn22") == true
        }
    }

    /// All first and last layers, depthwise and blurring ones, flattened images.
    @Test(arguments: Networks.all.map(\.name), [false, true])
    func `every network is exported, in numbers and with 8-bit ends`(
        name: String, isInt8: Bool
    ) throws {
        let entry = try #require(Networks.named(name))
        let configuration = NetworkConfiguration(
            network: name, widths: entry.widths.indices.map { 8 + 2 * $0 }, classes: 5,
            inputChannels: entry.input.channels)
        let size = ImageSize(height: max(9, entry.smallestSide), width: entry.smallestSide + 9)
        let network = try Self.network(configuration, for: size, seed: 82)
        let images = try Generator(seed: 83).normal([
            3, configuration.inputChannels, size.height, size.width,
        ])
        var calibration = Int8Calibration()
        try calibration.observe(DeployedNetwork(network), images)
        let limits = isInt8 ? try calibration.limits() : nil
        let export = try ModelExport(network, int8: limits, batches: [images])
        #expect(export.parity.certificate.maxAbsDifference == 0)
        #expect((export.layerValues > 0) == !network.quantizedLayers.isEmpty)
    }
}
