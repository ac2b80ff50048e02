import BONNModelFormat
import BONNNetworks
import Testing

/// Every network by name in every order of layers.
@Suite struct NetworksTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let network: NetworkEntry
        let style: Style
        var testDescription: String { "\(network.name), \(style.testDescription)" }
    }

    struct Style: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let style: any BlockStyle
    }

    static let styles: [Style] = [
        Style(testDescription: "BONN", style: BONNBlock()),
        Style(
            testDescription: "BONN, classic",
            style: BONNBlock(shortcut: .classic, placement: .beforeAddition)),
        Style(
            testDescription: "BONN, PReLU before the addition, dropout",
            style: BONNBlock(placement: .beforeAddition, dropout: 0.3)),
        Style(testDescription: "BONN, classic, PReLU behind", style: BONNBlock(shortcut: .classic)),
        Style(testDescription: "Bi-Real", style: BiRealBlock()),
        Style(testDescription: "Bi-Real of two", style: BiRealBlock(convolutionsPerBlock: 2)),
        Style(
            testDescription: "Bi-Real, pooling behind the norm",
            style: BiRealBlock(convolutionsPerBlock: 2, pooling: .norm)),
        Style(
            testDescription: "Bi-Real with an activation",
            style: BiRealBlock(activation: [("shift", .bias), ("prelu", .prelu)])),
        Style(
            testDescription: "pre-activation", style: PreActivationBlock(convolutionsPerBlock: 1)),
        Style(testDescription: "pre-activation of two", style: PreActivationBlock()),
    ]

    /// All but the linear classifier.
    static let quantized = Networks.all.filter { $0.name != "linear" }

    /// All of both; QuickNets have an order of their own.
    static let cases = quantized.flatMap { network in
        styles.prefix(network.name.hasPrefix("quicknet") ? 1 : styles.count).map {
            Case(network: network, style: $0)
        }
    }

    /// A plan of a few channels for the smallest image that is worth it.
    static func small(_ entry: NetworkEntry, _ style: any BlockStyle) throws -> NetworkPlan {
        let side = max(entry.smallestSide, 9)
        return try entry.plan(
            input: Shape(entry.input.channels, side, side + 4), classes: 5,
            widths: entry.widths.indices.map { 20 + 2 * $0 }, style: style)
    }

    @Test(arguments: cases)
    func `the runtime computes what every network in every order of layers means`(
        aCase: Case
    ) throws {
        let plan = try Self.small(aCase.network, aCase.style.style)
        #expect(plan.classes == 5 && plan.featureCount > 0)
        #expect(plan.shape(of: plan.output) == Shape(5, 1, 1))
        #expect(Set(plan.layers.map(\.name)).count == plan.layers.count)
        let quantized = plan.quantizedLayers
        #expect(!quantized.isEmpty)
        // Each reads a quantizer, but for the ends of networks that are quantized to the ends.
        let withoutQuantizer = quantized.filter { plan.quantizer(before: $0) == nil }
        let ends: [Name] =
            switch aCase.network.name {
            case "convnet", "vgg7": ["stem.convolution", "head"]
            case "mlp": ["stem.linear", "head"]
            default: []
            }
        #expect(withoutQuantizer.map(\.name) == ends)
        let weights = SeededWeights(plan: plan, seed: 2)
        try expectExact(weights, aCase.testDescription)
        // Logits follow the image, so that the comparison was not one of constants.
        let file = try PlanLowering(plan, weights: weights).file
        let logits = try (1...12).map { try file.logits(plan.image(seed: $0)) }
        #expect(Set(logits).count > 1)
    }

    @Test(arguments: quantized.filter { !$0.name.hasPrefix("quicknet") }.map(\.name))
    func `quantized weights that read real numbers are computed as they are meant`(
        network: String
    ) throws {
        let entry = try #require(Networks.named(network))
        let plan = try Self.small(entry, PostActivationBlock())
        #expect(!plan.quantizedLayers.isEmpty && !plan.layers.contains { $0.layer == .quantize })
        try expectExact(SeededWeights(plan: plan, seed: 2), network)
    }

    @Test func `layers are inserted behind a value, and read in its place`() throws {
        let plan = try Self.small(#require(Networks.named("wrn22")), BiRealBlock())
        let changed = try plan.inserting([("a", .scale), ("b", .prelu)], behind: plan.features)
            .inserting([("c", .batchNorm)], behind: plan.output)
        #expect(changed.features == "b" && changed.output == "c")
        #expect(changed["a"]?.inputs == [plan.features] && changed["b"]?.inputs == ["a"])
        #expect(changed[plan.output]?.inputs == ["b"] && changed["c"]?.inputs == [plan.output])
        #expect(changed.layers.count == plan.layers.count + 3)
        #expect(changed["b"]?.shape == plan.shape(of: plan.features) && changed.classes == 5)
        try expectExact(SeededWeights(plan: changed, seed: 2), "inserted layers")
        let behindImage = try plan.inserting([("d", .hardtanh)], behind: NetworkPlan.input)
        #expect(behindImage.layers.first?.name == "d")
        #expect(behindImage.readers(of: NetworkPlan.input).map(\.name) == ["d"])
        #expect(
            behindImage.readers(of: "d").map(\.name)
                == plan.readers(of: NetworkPlan.input).map(\.name))
        try expectExact(SeededWeights(plan: behindImage, seed: 2), "layers behind the image")
        #expect(throws: PlanError.self) { _ = try plan.inserting([("a", .scale)], behind: "none") }
        #expect(throws: PlanError.self) {
            _ = try plan.inserting([(plan.output, .scale)], behind: plan.features)
        }
    }

    @Test(arguments: quantized.map(\.name))
    func `batch norms are left out, and all weights are quantized`(network: String) throws {
        let plan = try Self.small(#require(Networks.named(network)), PostActivationBlock())
        let bare = plan.withoutBatchNorms()
        let norms = plan.layers.filter { $0.layer == .batchNorm }
        #expect(!norms.isEmpty && bare.layers.count == plan.layers.count - norms.count)
        #expect(!bare.layers.contains { $0.layer == .batchNorm })
        let defined = Set(bare.layers.map(\.name) + [NetworkPlan.input])
        #expect(bare.layers.allSatisfy { $0.inputs.allSatisfy(defined.contains) })
        #expect(defined.isSuperset(of: [bare.features, bare.output]))
        for biases in [true, false] {
            let quantized = plan.withQuantizedWeights(biases: biases)
            #expect(quantized.layers.map(\.name) == plan.layers.map(\.name))
            for (layer, before) in zip(quantized.layers, plan.layers) {
                switch (layer.layer, before.layer) {
                case (.convolution(let layer), .convolution(let before)):
                    let isFixed = before.weights.fixed([1, 1, 3, 3]) != nil
                    #expect(layer.weights == (isFixed ? before.weights : .quantized))
                    #expect(layer.hasBias == (before.hasBias && biases))
                case (.linear(let layer), .linear(let before)):
                    #expect(layer.weights == .quantized)
                    #expect(layer.hasBias == (before.hasBias && biases))
                default: #expect(layer == before)
                }
            }
        }
    }

    @Test(arguments: quantized.map(\.name))
    func `sums are multiplied by magnitudes in every network, wherever they are of bits`(
        network: String
    ) throws {
        let entry = try #require(Networks.named(network))
        let plan = try Self.small(entry, PreActivationBlock())
        let scaled = try plan.withMagnitudes()
        let bitReaders = plan.quantizedLayers.filter { plan.quantizer(before: $0) != nil }
        #expect(scaled.layers.count { $0.layer == .multiply } == bitReaders.count)
        for layer in bitReaders {
            let product = try #require(scaled["\(layer.name).scaled"])
            #expect(product.inputs == [layer.name, "\(layer.name).magnitudes"])
            #expect(product.shape == layer.shape)
            #expect(
                scaled[product.inputs[1]]?.shape == Shape(1, layer.shape.height, layer.shape.width))
            // Nothing else reads what was not multiplied.
            #expect(scaled.readers(of: layer.name).map(\.name) == [product.name])
        }
        #expect(scaled.shape(of: scaled.output) == Shape(5, 1, 1))
        try expectExact(SeededWeights(plan: scaled, seed: 2), network)
        #expect(try plan.inFullPrecision().withMagnitudes() == plan.inFullPrecision())
        // The first of two stages, with real weights, has them too.
        let first = try plan.withRealWeights().withMagnitudes()
        #expect(first.layers.map(\.name) == scaled.layers.map(\.name))
    }

    @Test(arguments: quantized.map(\.name))
    func `what a quantized layer became is where a parity check finds it`(network: String) throws {
        let entry = try #require(Networks.named(network))
        let plan = try Self.small(entry, BONNBlock())
        let lowering = try PlanLowering(plan, weights: SeededWeights(plan: plan))
        let bitReaders = plan.quantizedLayers.filter { plan.quantizer(before: $0) != nil }
        #expect(lowering.bitLayers.map(\.layer) == bitReaders.map(\.name))
        let types = try lowering.file.validate()
        for (layer, planned) in zip(lowering.bitLayers, bitReaders) {
            let quantizer = try #require(plan.quantizer(before: planned))
            #expect(layer.quantizer == quantizer.name && layer.planes == [quantizer.name])
            #expect(types[layer.source]?.element == .real)
            #expect(types[layer.planes[0]]?.element == .signedBits)
            #expect(types[layer.layer]?.element == .real)
            #expect(types[layer.layer]?.shape == planned.shape)
            if let norm = layer.norm {
                #expect(quantizer.inputs == [norm] && types[norm] == nil)
                #expect(plan[norm]?.inputs == [layer.source])
            } else {
                #expect(quantizer.inputs == [layer.source])
            }
        }
    }

    @Test(arguments: quantized.map(\.name))
    func `in full precision nothing is quantized, and every layer but quantizers is there`(
        network: String
    ) throws {
        let entry = try #require(Networks.named(network))
        let plan = try Self.small(entry, BONNBlock())
        let real = plan.inFullPrecision()
        #expect(real.quantizedLayers.isEmpty && !real.layers.contains { $0.layer == .quantize })
        #expect(real.layers.map(\.name) == plan.layers.filter { $0.layer != .quantize }.map(\.name))
        #expect(real.layers.allSatisfy { plan[$0.name]?.shape == $0.shape })
        try expectExact(SeededWeights(plan: real), network)
        let realWeights = plan.withRealWeights()
        #expect(realWeights.layers.map(\.name) == plan.layers.map(\.name))
        #expect(realWeights.quantizedLayers.isEmpty)
        let realActivations = plan.withRealActivations()
        #expect(realActivations.quantizedLayers.count == plan.quantizedLayers.count)
        try expectExact(SeededWeights(plan: realActivations), "\(network), binary weights")
    }

    @Test func `a linear classifier is one layer over all pixels, computed as it is meant`() throws
    {
        let entry = try #require(Networks.named("linear"))
        let plan = try Self.small(entry, BONNBlock())
        #expect(plan.layers.map(\.name) == ["features", "head"] && plan.featureCount == 3 * 9 * 13)
        #expect(plan.quantizedLayers.isEmpty && plan == plan.inFullPrecision())
        try expectExact(SeededWeights(plan: plan, seed: 2), "linear")
    }

    @Test func `names are found, and others are not`() {
        #expect(Set(Networks.all.map(\.name)).count == Networks.all.count)
        for entry in Networks.all { #expect(Networks.named(entry.name)?.title == entry.title) }
        #expect(Networks.named("resnet-18") == nil)
    }
}
