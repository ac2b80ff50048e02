import BONNModelFormat
import BONNNetworks
import Testing

/// Weights and multiply-adds of networks as published, against published numbers.
@Suite struct PublishedCountTests {
    struct Counts {
        var quantized = 0
        var real = 0
        var quantizedProducts = 0
        var realProducts = 0

        init(_ plan: NetworkPlan) {
            for layer in plan.layers {
                switch layer.layer {
                case .convolution, .linear: break
                default: continue
                }
                let weights = plan.weightShape(of: layer).reduce(1, *)
                let pixels = layer.shape.height * layer.shape.width
                if layer.layer.hasQuantizedWeights {
                    quantized += weights
                    quantizedProducts += weights * pixels
                } else {
                    real += weights
                    realProducts += weights * pixels
                }
            }
        }
    }

    static func counts(_ name: String, widths: [Int]? = nil) throws -> Counts {
        let entry = try #require(Networks.named(name))
        return Counts(try entry.plan(widths: widths, style: BONNBlock()))
    }

    /// methods.md 1.8 and 3.5.
    @Test func `ResNet-18 has the published weights and operations`() throws {
        let counts = try Self.counts("resnet18")
        // 3x3 convolutions of He's ResNet-18 without the stem.
        #expect(counts.quantized == 10_985_472)
        // Stem, three 1x1 shortcuts, fully connected layer.
        #expect(counts.real == 9408 + 172_032 + 512_000)
        #expect(abs(Double(counts.quantizedProducts) - 1.68e9) < 0.005e9)
        // The table's shortcuts pool first, as the deployed network does.
        let entry = try #require(Networks.named("resnet18"))
        let deployed = Counts(try entry.plan(style: BONNBlock()).poolingFirst())
        #expect(abs(Double(deployed.realProducts) - 1.4e8) < 0.05e8, "\(deployed.realProducts)")
        // 32 bits a real weight and 1 bit a binary one: 33.6 Mbit with batch norms and PReLUs.
        let megabits = Double(32 * counts.real + counts.quantized) / 1e6
        #expect(abs(megabits - 33.2) < 0.1, "\(megabits)")
    }

    @Test(arguments: [([16, 16, 32, 64], 0.271e6), ([64, 64, 128, 256], 4.32e6)])
    func `WRN-22 has the paper's number of weights`(widths: [Int], expected: Double) throws {
        let counts = try Self.counts("wrn22", widths: widths)
        #expect(abs(Double(counts.quantized + counts.real) - expected) < 0.01 * expected)
    }

    /// Without batch norms: He et al. for ResNet-34 (21.8 M, less the shortcuts' difference), the LQ-Nets
    /// table, Caffe's LeNet (431 k), the one-tower AlexNet (62,378,344 with 10,568 biases), Network in Network (966,986 with 1,418).
    @Test(arguments: [
        ("resnet34", 21_797_672 - 17_024 - 1000), ("vgg-small", 4_571_136 + 3456 + 81_920),
        ("lenet5", 430_500), ("alexnet", 62_378_344 - 10_568), ("nin", 966_986 - 1418),
    ])
    func `networks have their published number of weights`(name: String, expected: Int) throws {
        let counts = try Self.counts(name)
        #expect(counts.quantized + counts.real == expected)
    }

    @Test(arguments: [
        ("quicknet", 4 * 9 * (64 * 64 + 128 * 128 + 256 * 256 + 512 * 512)),
        ("quicknet-small", 4 * 9 * (32 * 32 + 64 * 64 + 256 * 256 + 512 * 512)),
        (
            "quicknet-large",
            9 * (6 * 64 * 64 + 8 * 128 * 128 + 12 * 256 * 256 + 6 * 512 * 512)
        ),
    ])
    func `QuickNets have the 1-bit weights of their sections`(name: String, expected: Int) throws {
        #expect(try Self.counts(name).quantized == expected)
    }

    @Test(arguments: [("wrn22", 18), ("wrn40", 36), ("resnet18", 16), ("resnet34", 32)])
    func `depth is that of the name`(name: String, expected: Int) throws {
        let entry = try #require(Networks.named(name))
        for style in NetworksTests.styles {
            let plan = try entry.plan(style: style.style)
            #expect(plan.quantizedLayers.count == expected, "\(style.testDescription)")
        }
    }
}
