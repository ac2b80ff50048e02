import BONNModelFormat
import Foundation
import Testing
import Torch

@testable import BONNMethods

/// The formulas against numbers that plain PyTorch recorded (`Tests/Oracle/record_formulas.py`).
@Suite struct GoldenFormulaTests {
    static let file = Swift.Result { try Golden() }

    /// The recorded tensors by name.
    struct Golden {
        private let bytes: [UInt8]
        private let contents: Safetensors.Contents

        init() throws {
            let url = URL(filePath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().appending(path: "Oracle/formulas.safetensors")
            bytes = [UInt8](try Data(contentsOf: url))
            contents = try Safetensors.read(bytes)
        }

        var names: [String] { contents.tensors.keys.sorted().map(\.text) }

        func callAsFunction(_ name: String) throws -> Tensor {
            let entry = try #require(contents.tensors[Name(name)], "the golden file has no \(name)")
            let types: [Safetensors.ElementType: DType] = [
                .f32: .float32, .f64: .float64, .i64: .int64,
            ]
            return try Tensor(
                bytes: Array(bytes[entry.range]), shape: entry.shape,
                dtype: #require(types[entry.elementType]))
        }

        func leaf(_ name: String) throws -> Tensor {
            try self(name).requiresGradient(true)
        }
    }

    static let precisions: [(prefix: String, tolerance: Double)] = [("f32", 2e-5), ("f64", 1e-10)]

    static func expect(
        _ found: Tensor?, _ golden: Golden, _ name: String, _ tolerance: Double
    ) throws {
        let found = try #require(found, "\(name): no gradient")
        expectClose(
            try found.detached().to(.float64).doubles(), try golden(name).to(.float64).doubles(),
            tolerance, name)
    }

    @Test(arguments: ScaleReading.allCases, ScaleGradient.allCases)
    func `a binary convolution is PyTorch's`(
        reading: ScaleReading, form: ScaleGradient
    ) throws {
        let golden = try Self.file.get()
        for (precision, tolerance) in Self.precisions {
            for (slope, name) in [(SignSlope.polynomial, "poly"), (.clip, "clip")] {
                let prefix = "\(precision)/conv/\(reading.rawValue)/\(form.rawValue)/\(name)/"
                for isFusing in [true, false] {
                    let pass = Pass(.training, isFusing: isFusing)
                    let a = try golden.leaf(prefix + "in.a")
                    let x = try golden.leaf(prefix + "in.X")
                    let w = try golden.leaf(prefix + "in.w")
                    let kernel = try BONNKernel(scale: w, reading: reading, scaleGradient: form)(
                        x, pass)
                    let y = try SignQuantizer(slope)(a, pass)
                        .conv2d(kernel, stride: 2, padding: 1)
                    try (y * golden(prefix + "in.g")).sum().backward()
                    try Self.expect(y, golden, prefix + "out.y", tolerance)
                    try Self.expect(a.grad, golden, prefix + "out.da", tolerance)
                    try Self.expect(x.grad, golden, prefix + "out.dX", tolerance)
                    try Self.expect(w.grad, golden, prefix + "out.dw", tolerance)
                }
            }
        }
    }

    @Test(arguments: ScaleReading.allCases)
    func `the kernel loss is PyTorch's`(reading: ScaleReading) throws {
        let golden = try Self.file.get()
        for (precision, tolerance) in Self.precisions {
            let prefix = "\(precision)/kernelLoss/\(reading.rawValue)/"
            let names = ["X", "w", "mu", "sigma"]
            let inputs = try names.map { try golden.leaf(prefix + "in.\($0)") }
            let kernel = BONNKernel(
                scale: inputs[1], mu: inputs[2], sigma: inputs[3], reading: reading)
            let settings = KernelLossSettings(
                lambda: try golden(prefix + "in.lambda").item(),
                nu: try golden(prefix + "in.nu").item())
            let loss = try BayesianKernelLoss(settings)(inputs[0], kernel)
            try loss.backward()
            try Self.expect(loss, golden, prefix + "out.loss", tolerance)
            for (name, input) in zip(names, inputs) {
                try Self.expect(input.grad, golden, prefix + "out.d\(name)", tolerance)
            }
        }
    }

    @Test func `the feature loss and the center rule are PyTorch's`() throws {
        let golden = try Self.file.get()
        let prefix = "f32/featureLoss/"
        let centers = try golden(prefix + "in.c")
        let loss = try BayesianFeatureLoss(
            FeatureLossSettings(
                theta: golden(prefix + "in.theta").item(),
                centerRate: golden(prefix + "in.alpha").item()),
            classes: centers.shape[0], features: centers.shape[1])
        try withoutGradient { () throws(TorchError) in
            try loss.centers.tensor.copy_(from: centers)
        }
        let rho = try golden(prefix + "in.rho")
        try withoutGradient { () throws(TorchError) in
            try loss.logVariance.tensor.copy_(from: rho)
        }
        let features = try golden.leaf(prefix + "in.f")
        let labels = try golden(prefix + "in.labels")
        let value = try loss(features, labels: labels)
        try value.backward()
        try loss.updateCenters(features, labels: labels)
        try Self.expect(value, golden, prefix + "out.loss", 2e-5)
        try Self.expect(features.grad, golden, prefix + "out.df", 2e-5)
        try Self.expect(loss.logVariance.tensor.grad, golden, prefix + "out.drho", 2e-5)
        try Self.expect(loss.centers.tensor, golden, prefix + "out.c", 2e-5)
    }
}
