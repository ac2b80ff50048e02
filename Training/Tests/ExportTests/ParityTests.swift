import BONN
import BONNModelFormat
import BONNRuntime
import Testing
import Torch

@testable import BONNExport

@Suite struct ParityTests {
    /// A network and the image size to try it with.
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let configuration: NetworkConfiguration
        let side: Int
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(
            name: "WRN-22, per-convolution shortcuts",
            configuration: .init(model: .wrn22, widths: [8, 8, 20, 70], classes: 5), side: 16),
        Case(
            name: "WRN-22, classic shortcuts, PReLU before the addition",
            configuration: .init(
                model: .wrn22, widths: [4, 6, 8, 10], inputChannels: 1, shortcut: .classic,
                preluPlacement: .beforeAddition), side: 20),
        Case(
            name: "WRN-40, reading B",
            configuration: .init(model: .wrn40, widths: [4, 4, 6, 8], reading: .divide), side: 8),
        Case(
            name: "ResNet-18, ImageNet stem",
            configuration: .init(model: .resnet18, widths: [8, 8, 16, 24, 32], classes: 7),
            side: 64),
        Case(
            name: "ResNet-34, CIFAR stem, reading C",
            configuration: .init(
                model: .resnet34, widths: [4, 4, 6, 8, 66], stem: .cifar, reading: .reconstruct),
            side: 16),
        Case(
            name: "WRN-22 in full precision",
            configuration: .init(model: .wrn22, widths: [4, 4, 6, 8], method: .real), side: 8),
        Case(
            name: "ResNet-18 in full precision",
            configuration: .init(
                model: .resnet18, widths: [4, 4, 6, 8, 10], method: .real, shortcut: .classic),
            side: 32),
    ]

    /// A network whose batch norms look trained: scales of both signs, some zero.
    static func network(_ configuration: NetworkConfiguration, seed: UInt64) throws -> Network {
        let network = try Network(configuration, seed: seed)
        let generator = try Generator(seed: seed)
        try withoutGradient { () throws(TorchError) in
            for parameter in network.store.parameters {
                let tensor = parameter.tensor
                switch parameter.role {
                case .batchNorm:
                    let values = try generator.normal(tensor.shape, mean: 0.5, std: 0.7)
                    let keep = try generator.bernoulli(tensor.shape, probability: 0.95)
                    try tensor.copy_(from: values * keep)
                case .prelu:
                    try tensor.copy_(from: generator.normal(tensor.shape, std: 0.5))
                case .buffer where parameter.name.hasSuffix("running_mean"):
                    try tensor.copy_(from: generator.normal(tensor.shape, std: 0.3))
                case .buffer:
                    try tensor.copy_(from: generator.uniform(tensor.shape, low: 0.3, high: 2))
                default: break
                }
            }
        }
        return network
    }

    static func images(_ count: Int, _ aCase: Case, seed: UInt64) throws -> Tensor {
        let shape = [count, aCase.configuration.inputChannels, aCase.side, aCase.side]
        return try Generator(seed: seed).normal(shape)
    }

    @Test(arguments: cases)
    func `the runtime computes what the network computes`(aCase: Case) throws {
        let network = try Self.network(aCase.configuration, seed: 77)
        let batches = [
            try Self.images(3, aCase, seed: 5), try Self.images(2, aCase, seed: 6),
        ]
        let export = try ModelExport(
            network, height: aCase.side, width: aCase.side, batches: batches)
        #expect(export.parity.images == 5)
        #expect(export.parity.entries.count == KernelSet.available.count * 2)
        #expect(export.parity.entries.allSatisfy { $0.differingFromFirst == 0 })
        #expect((export.layerValues > 0) == (aCase.configuration.method == .bonn))
        // Both sides compute one arithmetic, so nothing differs at all.
        #expect(export.parity.certificate.maxAbsDifference == 0)
        let file = try ModelFile(bytes: export.bytes)
        var certificate = export.parity.certificate
        certificate.network = try file.networkDigest()
        #expect(file.metadata.parity == certificate)
    }

    @Test func `deployment arithmetic is evaluation up to rounding`() throws {
        // In full precision no sign turns a rounding difference into a large one.
        let aCase = Self.cases[5]
        let network = try Self.network(aCase.configuration, seed: 78)
        let images = try Self.images(4, aCase, seed: 7)
        let (fast, exact) = try withoutGradient { () throws(TorchError) in
            (
                try network(images, .evaluation).logits.doubles(),
                try network(images, .deployment).logits.doubles()
            )
        }
        let largest = exact.map(abs).max() ?? 0
        #expect(zip(fast, exact).allSatisfy { abs($0 - $1) < 1e-4 * largest })
    }

    @Test func `the packed sums times wbar are the training convolution's output`() throws {
        // Acceptance test 5 of methods.md 1.14.
        let store = ParameterStore(seed: 9, device: .cpu)
        let layer = try BinaryConv2d(
            store.root / "layer", ConvolutionShape(37, 19, kernel: 3, stride: 2),
            quantizer: KernelQuantizer(), latentStd: 0.01, initialScale: 0.05)
        let signs = try ActivationQuantizer()(Generator(seed: 10).normal([2, 37, 9, 9]))
        let (sums, deployed, trained, wbar) = try withoutGradient { () throws(TorchError) in
            (
                try layer.integerSums(signs).floats(), try layer(signs, .deployment).floats(),
                try layer(signs, .training).floats(), try layer.quantizer.scale(layer.scale.tensor)
            )
        }
        let scale = try wbar.floats()[0]
        #expect(sums.allSatisfy { $0 == $0.rounded() && abs($0) <= 37 * 9 })
        #expect(zip(sums, deployed).allSatisfy { $0 * scale == $1 })
        #expect(zip(deployed, trained).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test func `a file that differs in one weight is refused`() throws {
        let aCase = Self.cases[0]
        let network = try Self.network(aCase.configuration, seed: 80)
        var file = try Lowering(network, height: aCase.side, width: aCase.side).file
        let name: Name = "blocks.0.0.convolution.weight"
        let tensor = try #require(file.tensors[name])
        file.tensors[name] = ModelTensor(
            u64: tensor.words().map { $0 ^ 1 }, shape: tensor.shape)
        let models = try KernelSet.available.map { try Model(file, kernels: $0) }
        var check = try ParityCheck(models, batch: 4)
        try check.compare(network, Self.images(4, aCase, seed: 8))
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
        let network = try Self.network(aCase.configuration, seed: 81)
        try withoutGradient { () throws(TorchError) in
            try network.store["stem.convolution.weight"]?.tensor.fill_(.nan)
        }
        #expect {
            _ = try Lowering(network, height: 16, width: 16)
        } throws: { error in
            let failure = error as? ExportError
            return failure?.code == .notFinite
                && failure?.message.contains("stem.convolution") == true
        }
    }

    @Test func `images that do not fit the network are refused`() throws {
        let network = try Network(.init(model: .wrn22, widths: [4, 4, 4, 4]), seed: 1)
        #expect {
            _ = try Lowering(network, height: 0, width: 32)
        } throws: { error in
            (error as? ExportError)?.code == .shape
        }
    }
}
