import BONN
import BONNModelFormat
import BONNRuntime
import Testing
import Torch

@testable import BONNExport

@Suite struct Int8Tests {
    private static func int8Network(_ aCase: ParityTests.Case, seed: UInt64) throws -> Network {
        let network = try ParityTests.network(aCase.configuration, seed: seed)
        var calibration = Int8Calibration()
        try calibration.observe(network, ParityTests.images(4, aCase, seed: seed + 1))
        #expect(calibration.images == 4)
        try network.setInt8(calibration.limits())
        return network
    }

    @Test(arguments: [ParityTests.cases[0], ParityTests.cases[1], ParityTests.cases[3]])
    func `the runtime computes the same integers as the network`(aCase: ParityTests.Case) throws {
        let network = try Self.int8Network(aCase, seed: 91)
        let export = try ModelExport(
            network, height: aCase.side, width: aCase.side,
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
        let network = try ParityTests.network(aCase.configuration, seed: 92)
        let images = try ParityTests.images(8, aCase, seed: 7)
        func logits() throws -> [Float] {
            try withoutGradient { () throws(TorchError) in
                try network(images, .deployment).logits.floats()
            }
        }
        let before = try logits()
        var calibration = Int8Calibration()
        try calibration.observe(network, images)
        try network.setInt8(calibration.limits())
        let rounded = try logits()
        try network.setInt8(nil)
        #expect(try logits() == before)
        let largest = before.map(abs).max() ?? 0
        let difference = zip(before, rounded).map { abs($0 - $1) }.max() ?? 0
        #expect(difference > 0 && difference < 0.05 * largest, "\(difference) of \(largest)")
    }

    @Test func `weights are rounded to steps of a 127th of the channel's largest`() throws {
        let form = try Int8Form(
            Tensor([1, -0.5, 0.25, 0, 0, 0, -2.54, 2.54, 0.03], shape: [3, 3]), inputLimit: 6.35)
        #expect(form.weights == [127, -64, 32, 0, 0, 0, -127, 127, 2])
        #expect(form.weightScale == [1 / 127, 1, Float(2.54) / 127])
        #expect(form.inputScale == Float(6.35) / 127)
        #expect(form.sumScale[1] == Float(6.35) / 127)
    }

    @Test func `a calibration of nothing is an error`() throws {
        let nothing = Int8Calibration()
        #expect(throws: ExportError.self) { try nothing.limits() }
        let aCase = ParityTests.cases[0]
        let network = try ParityTests.network(aCase.configuration, seed: 93)
        var calibration = Int8Calibration()
        try calibration.observe(network, Tensor.zeros([1, 3, aCase.side, aCase.side]))
        #expect(throws: ExportError.self) { try calibration.limits() }
    }

    @Test func `ResNet-18 for ImageNet stays within the sizes that are promised`() throws {
        let network = try Network(
            NetworkConfiguration(model: .resnet18, stem: .imagenet, classes: 1000), seed: 94)
        func bytes() throws -> Int {
            try Lowering(network, height: 224, width: 224).file.serialized().count
        }
        let real = try bytes()
        try network.setInt8(Int8Limits(stem: 2.7, head: 5))
        let int8 = try bytes()
        print("ResNet-18 at 224x224: \(real) bytes, \(int8) with 8-bit stem and head")
        #expect(real < 4_250_000)
        #expect(int8 < 2_400_000)
    }
}
