import BONNConfiguration
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import Foundation
import Testing
import Torch

@testable import BONNExport
@testable import BONNMethods
@testable import BONNTrainer

// begin method
struct TanhNet: Method {
    static let card = MethodCard(
        name: "tanh", title: "1-bit weights, a tanh for a slope", paper: "nobody's", widths: "1/1",
        reported: "nothing", deployment: "in bits")

    // A setting: `method.steepness` in recipes, shown by `bonn methods`.
    var steepness = 2.0
    static let keys: [Key<TanhNet>] = [
        .number("steepness", \.steepness, in: 0.1...100, "of the tanh in the place of the sign")
    ]

    // convolution, batch norm, shortcut around each: Tools/Sources/BONNNetworks/Blocks/ has the others.
    var style: any BlockStyle { BiRealBlock() }

    func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer { Kernel() }

    func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { Activation(steepness: steepness) }

    struct Kernel: KernelQuantizer {
        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            let scale = try latent.detached().abs().mean(axes(latent), keep: true)
            return try straightThrough(signOrPlusOne(latent) * scale, gradientOf: latent)
        }

        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            let scale = try latent.abs().mean(axes(latent))
            return .binary([try KernelTerm(signsOf: latent, scale: scale)])
        }

        // [K, C, kh, kw] of a convolution, [K, C] of a fully connected layer.
        private func axes(_ latent: Tensor) -> [Int] { Array(1..<latent.shape.count) }
    }

    struct Activation: ActivationQuantizer {
        let steepness: Double

        func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            try straightThrough(signOrPlusOne(x), gradientOf: (x * steepness).tanh())
        }

        func deployed() throws(TorchError) -> DeployedActivation { .planes([.sign]) }
    }
}
// end method

// begin loss
/// weight times the sum over all latent weights of (1 - |W|)^2: it pulls them to -1 and +1.
final class BipolarLoss: Objective {
    let name = "bipolar_loss"
    let pullsLatentWeights = true
    private let layers: [QuantizedLayer]
    private let weight: Double

    init(_ layers: [QuantizedLayer], weight: Double) {
        self.layers = layers
        self.weight = weight
    }

    func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
        var terms: [Tensor] = []
        for layer in layers {
            terms.append(try (1.0 - layer.latent.tensor.abs()).square().sum())
        }
        return try weight * Tensor.stack(terms).sum()
    }
}

extension TanhNet {
    func objectives(for network: Network) throws(TorchError) -> [any Objective] {
        // None in a stage with real weights.
        network.quantizedLayers.isEmpty
            ? [] : [BipolarLoss(network.quantizedLayers, weight: 0.003)]
    }
}
// end loss

// begin network
struct TwoStages: NetworkFamily {
    var widths: [Int]

    func plan(
        input: Shape, classes: Int, style: any BlockStyle
    ) throws(PlanError) -> NetworkPlan {
        var plan = PlanBuilder(input: input)
        var x = try plan.convolution(
            PlanBuilder.input, "stem.convolution", outputs: widths[0],
            window: Window(3, padding: 1))
        x = try style.stem(&plan, x, "stem")
        for (stage, width) in widths.enumerated() {
            x = try style.block(
                &plan, x, "stages.\(stage)", outputs: width, stride: stage == 0 ? 1 : 2)
        }
        x = try style.ending(&plan, x, "ending", hasShortcuts: true)
        return try plan.ended(x, classes: classes)
    }
}
// end network

/// What the documents tell people to write is compiled here, trained, exported and compared in bits.
@Suite struct DocumentedExamplesTests {
    private static func plan(style: any BlockStyle) throws -> NetworkPlan {
        try TwoStages(widths: [8, 12]).plan(input: Shape(3, 12, 12), classes: 4, style: style)
    }

    @Test func `the documented method trains in the documented network, and is exported in bits`()
        throws
    {
        let method = TanhNet()
        var steep = method
        let key = try #require(TanhNet.keys.first)
        #expect(!key.set(.scalar("0"), in: &steep) && steep == method)
        #expect(key.set(.scalar("3"), in: &steep) && steep.steepness == 3)
        let network = try Network(Self.plan(style: method.style), method, seed: 1)
        let generator = try Generator(seed: 2)
        let images = try generator.normal([32, 3, 12, 12])
        let labels = try Tensor(int64s: (0..<32).map { Int64($0 % 4) }, shape: [32])
        var optimizer = OptimizerConfiguration()
        optimizer.name = .adam
        optimizer.learningRate = 5e-3
        optimizer.weightDecay = 0
        var weights = LossConfiguration()
        weights[FeatureLossSettings.self].theta = 0
        let step = try TrainingStep(network, losses: weights, optimizer: optimizer, device: .cpu)
        var losses: [Losses] = []
        for _ in 0..<80 {
            let progress = RunProgress(epoch: 0, epochs: 1)
            losses.append(
                try step(images: images, labels: labels, factor: 1, progress: progress).losses)
        }
        for (term, share) in [("cross_entropy", 0.5), ("bipolar_loss", 0.8)] {
            let values = losses.compactMap { $0[term] }
            #expect(values[79] < share * values[0], "\(term), seeds 1 and 2: \(values)")
        }
        let export = try ModelExport(network, batches: [images])
        #expect(export.parity.passed && export.layerValues > 0)
    }

    @Test(arguments: ["lenet5", "resnet20"])
    func `the documented method trains and is exported in networks of the list`(
        name: String
    ) throws {
        let entry = try #require(Networks.named(name))
        let method = TanhNet()
        let plan = try entry.plan(
            input: entry.input, classes: 4, widths: entry.widths, stem: entry.stem ?? .cifar,
            style: method.style)
        for isReal in [false, true] {
            let network = try Network(isReal ? plan.withRealWeights() : plan, method, seed: 1)
            let input = entry.input
            let images = try Generator(seed: 2).normal([
                4, input.channels, input.height, input.width,
            ])
            let labels = try Tensor(int64s: [0, 1, 2, 3], shape: [4])
            let step = try TrainingStep(
                network, losses: LossConfiguration(), optimizer: OptimizerConfiguration(),
                device: .cpu)
            let progress = RunProgress(epoch: 0, epochs: 2)
            let losses = try step(images: images, labels: labels, factor: 1, progress: progress)
                .losses
            #expect(losses.total.isFinite && ((losses["bipolar_loss"] ?? 0) > 0) != isReal)
            if !isReal { #expect(try ModelExport(network, batches: [images]).parity.passed) }
        }
    }

    @Test func `every method trains in the documented network`() throws {
        for type in Methods.all {
            let method = type.init()
            let network = try Network(Self.plan(style: method.style), method, seed: 1)
            if network.drawsNumbers { network.generator = try Generator(seed: 3) }
            let images = try Generator(seed: 2).normal([4, 3, 12, 12])
            let logits = try network(images, .training).logits
            #expect(logits.shape == [4, 4], "\(type.card.name)")
            try logits.sum().backward()
            for layer in network.quantizedLayers {
                let gradient = try #require(layer.latent.tensor.grad, "\(layer.name)")
                #expect(try gradient.allFinite(), "\(type.card.name), \(layer.name)")
            }
            guard type.card.name != WAGE.card.name else {
                #expect(throws: ExportError.self) { try ModelExport(network, batches: [images]) }
                continue
            }
            #expect(try ModelExport(network, batches: [images]).parity.passed, "\(type.card.name)")
        }
    }

    @Test(arguments: [("method", "method"), ("loss", "method"), ("network", "network")])
    func `the documents show what is compiled here`(subject: String, page: String) throws {
        let here = URL(fileURLWithPath: #filePath)
        let root = (0..<4).reduce(here) { url, _ in url.deletingLastPathComponent() }
        let document = try String(
            contentsOf: root.appendingPathComponent("Documentation/adding-a-\(page).md"),
            encoding: .utf8)
        let source = try String(contentsOf: here, encoding: .utf8)
        let shown = try Self.part(document, "<!-- begin \(subject) -->", "<!-- end \(subject) -->")
            .filter { !$0.hasPrefix("import ") && !$0.hasPrefix("```") }
        let compiled = try Self.part(source, "// begin \(subject)", "// end \(subject)")
        #expect(!compiled.isEmpty && shown == compiled)
    }

    /// The lines between two others that are not empty.
    private static func part(_ text: String, _ begin: String, _ end: String) throws -> [String] {
        let lines = text.components(separatedBy: "\n")
        let first = try #require(lines.firstIndex(of: begin), "no line \(begin)")
        let last = try #require(lines.firstIndex(of: end), "no line \(end)")
        return lines[(first + 1)..<last].filter { !$0.isEmpty }
    }
}
