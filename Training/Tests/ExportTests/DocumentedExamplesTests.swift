import BONNModelFormat
import BONNNetworks
import BONNRuntime
import Foundation
import Testing
import Torch

@testable import BONNExport
@testable import BONNMethods

// begin method
struct TanhNet: Method {
    static let card = MethodCard(
        name: "tanh", title: "1-bit weights, a tanh for a slope", paper: "nobody's", widths: "1/1",
        reported: "nothing", deployment: "in bits")

    // convolution, batch norm, shortcut around each: see Blocks/ for the orders that papers use.
    var style: any BlockStyle { BiRealBlock() }

    func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer { Kernel() }

    func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { Activation() }

    struct Kernel: KernelQuantizer {
        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            let scale = try latent.detached().abs().mean([1, 2, 3], keep: true)
            return try straightThrough(signOrPlusOne(latent) * scale, gradientOf: latent)
        }

        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            let scale = try latent.detached().abs().mean([1, 2, 3])
            return .binary([
                KernelTerm(
                    signs: try latent.detached().to(.cpu).floats(),
                    scale: try scale.to(.cpu).floats())
            ])
        }
    }

    struct Activation: ActivationQuantizer {
        func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            try straightThrough(signOrPlusOne(x), gradientOf: (x * 2.0).tanh())
        }

        func deployed() throws(TorchError) -> DeployedActivation { .planes([.sign]) }
    }
}
// end method

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
        let network = try Network(Self.plan(style: method.style), method, seed: 1)
        let generator = try Generator(seed: 2)
        let images = try generator.normal([32, 3, 12, 12])
        let labels = try Tensor(int64s: (0..<32).map { Int64($0 % 4) }, shape: [32])
        let optimizer = try Adam([
            ParameterGroup(
                network.store.trainable.map { (name: $0.name, tensor: $0.tensor) },
                learningRate: 5e-3)
        ])
        var losses: [Double] = []
        for _ in 0..<40 {
            try optimizer.zeroGradients()
            let loss = try network(images, .training).logits.crossEntropy(labels)
            try loss.backward()
            try optimizer.step()
            losses.append(try loss.item())
        }
        #expect(losses[39] < 0.5 * losses[0], "seeds 1 and 2: \(losses)")
        let export = try ModelExport(network, batches: [images])
        #expect(export.parity.passed && export.layerValues > 0)
    }

    @Test func `every method trains in the documented network`() throws {
        for entry in Methods.all {
            let method = entry.make(NetworkConfiguration())
            let network = try Network(Self.plan(style: method.style), method, seed: 1)
            let images = try Generator(seed: 2).normal([4, 3, 12, 12])
            let logits = try network(images, .training).logits
            #expect(logits.shape == [4, 4], "\(entry.card.name)")
            try logits.sum().backward()
            for layer in network.quantizedLayers {
                let gradient = try #require(layer.latent.tensor.grad, "\(layer.name)")
                #expect(try gradient.allFinite(), "\(entry.card.name), \(layer.name)")
            }
            #expect(try ModelExport(network, batches: [images]).parity.passed, "\(entry.card.name)")
        }
    }

    @Test(arguments: ["method", "network"])
    func `the documents show what is compiled here`(subject: String) throws {
        let here = URL(fileURLWithPath: #filePath)
        let root = (0..<4).reduce(here) { url, _ in url.deletingLastPathComponent() }
        let document = try String(
            contentsOf: root.appendingPathComponent("Documentation/adding-a-\(subject).md"),
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
