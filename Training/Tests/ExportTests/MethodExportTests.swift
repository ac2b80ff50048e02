import BONNMethods
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import Testing
import Torch

@testable import BONNExport

/// Every deployed form that methods have, in whole networks: terms of kernels, planes of activations, signs on
/// real numbers, layers at the ends.
@Suite struct MethodExportTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let method: any Method
        let network: String
        /// Whether layers read bits.
        var readsBits = true
        var testDescription: String { "\(method) in \(network)" }
    }

    static let cases: [Case] = [
        Case(method: BNN(), network: "convnet"),
        Case(method: BNN(), network: "mlp"),
        Case(method: BNN(stochastic: true), network: "wrn22"),
        Case(method: BNNPlus(), network: "convnet"),
        Case(method: BinaryConnect(), network: "convnet", readsBits: false),
        Case(method: BinaryConnect(stochastic: true), network: "wrn22", readsBits: false),
        Case(method: BWN(source: .code), network: "resnet18", readsBits: false),
        Case(method: DoReFaNet(activationBits: 1), network: "vgg-small"),
        Case(method: DoReFaNet(weightBits: 2, activationBits: 3), network: "wrn22"),
        Case(method: DoReFaNet(weightBits: 3, activationBits: 1), network: "lenet5"),
        Case(method: DoReFaNet(activationBits: 4), network: "quicknet"),
        Case(method: DoReFaNet(activationBits: 32), network: "wrn22", readsBits: false),
        Case(method: TangNet(binarizations: 1), network: "wrn22"),
        Case(method: TangNet(binarizations: 2), network: "lenet5"),
        Case(method: TangNet(binarizations: 3), network: "wrn22"),
        Case(method: IRNet(), network: "vgg-small"),
        Case(method: ReCU(), network: "wrn22"),
        Case(method: AdaBin(), network: "wrn22"),
        Case(method: AdaBin(normalizesEnds: false), network: "resnet20"),
        Case(method: PCNN(projections: 2), network: "wrn22"),
        Case(method: MCN(), network: "wrn22", readsBits: false),
        Case(method: MCN(averaged: false), network: "convnet", readsBits: false),
        Case(method: BNNDL(), network: "nin"),
        Case(method: ReBNN(), network: "wrn22"),
        Case(method: ELQ(), network: "resnet18", readsBits: false),
        Case(method: ELQ(levels: .ternary), network: "convnet", readsBits: false),
        Case(method: ELQ(levels: .five), network: "lenet5", readsBits: false),
        Case(method: ELQ(levels: .seven), network: "wrn22", readsBits: false),
        Case(method: Zhuang(), network: "wrn22"),
        Case(method: Zhuang(weightBits: 4, activationBits: 3), network: "lenet5"),
        Case(method: Zhuang(weightBits: 4, activationBits: 32), network: "wrn22", readsBits: false),
        Case(
            method: Zhuang(weightBits: 32, activationBits: 32), network: "vgg-small",
            readsBits: false),
        Case(method: RBCN(), network: "wrn22"),
        Case(method: changed(BNN()) { $0.shiftBasedNorms = true }, network: "wrn22"),
        Case(method: changed(BNN()) { $0.shiftBasedNorms = true }, network: "convnet"),
        Case(method: changed(TangNet()) { $0.binaryLastLayer = true }, network: "lenet5"),
        Case(
            method: changed(PCNN(projections: 2)) { $0.levels = .ternary }, network: "resnet20"),
        Case(method: Bop(), network: "convnet"),
        Case(method: BopSecondOrder(), network: "wrn22"),
        Case(method: BayesByBackprop(), network: "convnet", readsBits: false),
        Case(method: BayesByBackprop(), network: "wrn22", readsBits: false),
    ]

    private static func changed<M: Method>(_ method: M, _ change: (inout M) -> Void) -> M {
        var method = method
        change(&method)
        return method
    }

    @Test(arguments: cases)
    func `the runtime computes what a method means`(aCase: Case) throws {
        let entry = try #require(Networks.named(aCase.network))
        let side = max(9, entry.smallestSide)
        let plan = try entry.plan(
            input: Shape(entry.input.channels, side, side + 3), classes: 8,
            widths: entry.widths.indices.map { 8 + 4 * $0 }, style: aCase.method.style)
        let network = try Network(plan, aCase.method, seed: 91)
        try ParityTests.makeLookTrained(network, seed: 91)
        try Self.makeNumbersOdd(network)
        let images = try Generator(seed: 92).normal([6, entry.input.channels, side, side + 3])
        let export = try ModelExport(network, batches: [images])
        #expect(export.parity.entries.count == KernelSet.available.count * 2)
        #expect(export.parity.certificate.maxAbsDifference == 0)
        #expect((export.layerValues > 0) == aCase.readsBits)
        // Logits follow the images, so that the comparison was not one of constants.
        let logits = try DeployedNetwork(network)(images).logits.floats()
        var rows: Set<[Float]> = []
        for image in 0..<6 { rows.insert(Array(logits[image * 8..<image * 8 + 8])) }
        #expect(rows.count > 1)
    }

    /// Scales and distances that no training has made nice: of both signs, unequal.
    private static func makeNumbersOdd(_ network: Network) throws {
        let generator = try Generator(seed: 93)
        try withoutGradient { () throws(TorchError) in
            for parameter in network.store.parameters {
                let tensor = parameter.tensor
                switch parameter.name.split(separator: ".").last {
                case "distance", "scale", "projections", "matrix":
                    try tensor.copy_(from: generator.normal(tensor.shape, mean: 0.2))
                case "scales", "running_inverse":
                    try tensor.copy_(from: generator.uniform(tensor.shape, low: 0.2, high: 1.5))
                default: break
                }
            }
        }
    }

    /// A method, where it is refused, and words of the message.
    static let refusals: [(method: any Method, layer: String, words: String)] = [
        (DoReFaNet(activationBits: 5), "stages.0.0.0.sign", "at most 4 bits"),
        (WAGE(), "image.quantized", "trained and evaluated only"),
        (BayesByBackprop(evaluationSamples: 3), "stem.convolution", "an average over 3 draws"),
    ]

    @Test(arguments: refusals.indices)
    func `what the runtime does not compute is refused at export, by the layer's name`(
        index: Int
    ) throws {
        let (method, layer, words) = Self.refusals[index]
        let entry = try #require(Networks.named("wrn22"))
        let plan = try entry.plan(
            input: Shape(3, 9, 9), classes: 4, widths: [4, 4, 4, 4], style: method.style)
        let network = try Network(plan, method, seed: 94)
        #expect {
            _ = try network.lowered()
        } throws: { error in
            let message = (error as? ExportError)?.message ?? ""
            return message.contains(layer) && message.contains(words)
        }
    }

    @Test func `a number a tap makes no kernel of bits, and is refused by name`() throws {
        let entry = try #require(Networks.named("wrn22"))
        let method = RBCN(rectification: .tap)
        let plan = try entry.plan(
            input: Shape(3, 9, 9), classes: 4, widths: [4, 4, 4, 4], style: method.style)
        let network = try Network(plan, method, seed: 95)
        #expect {
            _ = try network.lowered()
        } throws: { error in
            let message = (error as? ExportError)?.message ?? ""
            return message.contains("stages.0.0.0.convolution") && message.contains("bits")
        }
    }
}
