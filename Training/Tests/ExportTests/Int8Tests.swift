import BONNConfiguration
import BONNMethods
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import Testing
import Torch

@testable import BONNExport

@Suite struct Int8Tests {
    private static func network(_ aCase: ParityTests.Case, seed: UInt64) throws -> Network {
        try ParityTests.network(aCase.configuration, for: aCase.side, seed: seed)
    }

    @Test(arguments: [ParityTests.cases[0], ParityTests.cases[1], ParityTests.cases[3]])
    func `the runtime computes the same integers as the network`(aCase: ParityTests.Case) throws {
        let network = try Self.network(aCase, seed: 91)
        var calibration = Int8Calibration()
        try calibration.observe(
            DeployedNetwork(network), ParityTests.images(4, aCase, seed: 92))
        #expect(calibration.images == 4)
        let export = try ModelExport(
            network, int8: calibration.limits(),
            batches: [
                try ParityTests.images(3, aCase, seed: 5),
                try ParityTests.images(2, aCase, seed: 6),
            ])
        #expect(export.parity.certificate.maxAbsDifference == 0)
        let nodes = try ModelFile(bytes: export.bytes).metadata.graph.nodes
        #expect(nodes.count { $0.operation.name == "quantize" } == 2)
        let real = nodes.filter { ["convolution", "linear"].contains($0.operation.name) }
        let scaled = real.filter {
            switch $0.operation {
            case .convolution(let convolution): convolution.weightScale != nil
            case .linear(let linear): linear.weightScale != nil
            default: false
            }
        }
        #expect(scaled.count == real.count && real.count > 3)
    }

    @Test func `the 8-bit layers are near the real ones, and can be taken back`() throws {
        // In full precision no sign turns a rounding difference into a large one.
        let aCase = ParityTests.cases[6]
        let network = try Self.network(aCase, seed: 92)
        let images = try ParityTests.images(8, aCase, seed: 7)
        func logits(_ limits: Int8Limits? = nil) throws -> [Float] {
            try DeployedNetwork(network, int8: limits)(images).logits.floats()
        }
        let before = try logits()
        var calibration = Int8Calibration()
        try calibration.observe(DeployedNetwork(network), images)
        let rounded = try logits(calibration.limits())
        #expect(try logits() == before)
        let largest = before.map(abs).max() ?? 0
        let difference = zip(before, rounded).map { abs($0 - $1) }.max() ?? 0
        #expect(difference > 0 && difference < 0.05 * largest, "\(difference) of \(largest)")
    }

    @Test func `a calibration of nothing is an error`() throws {
        let nothing = Int8Calibration()
        #expect(throws: ExportError.self) { try nothing.limits() }
        let aCase = ParityTests.cases[0]
        let network = try Self.network(aCase, seed: 93)
        var calibration = Int8Calibration()
        try calibration.observe(
            DeployedNetwork(network),
            Tensor.zeros([1, 3, aCase.side.height, aCase.side.width]))
        #expect(throws: ExportError.self) { try calibration.limits() }
    }

    @Test func `ResNet-18 for ImageNet stays within the sizes that are promised`() throws {
        let network = try Network(
            NetworkConfiguration(network: "resnet18", stem: .imagenet, classes: 1000), for: 224,
            seed: 94)
        func bytes(_ limits: Int8Limits? = nil) throws -> Int {
            try network.lowered(int8: limits).file.serialized().count
        }
        let real = try bytes()
        let int8 = try bytes(Int8Limits(stem: 2.7, head: 5))
        print("ResNet-18 at 224x224: \(real) bytes, \(int8) with 8-bit stem and head")
        #expect(real < 4_250_000)
        #expect(int8 < 2_400_000)
    }
}
