import BONN
import Testing
import Torch

/// Acceptance tests 2 and 3 of methods.md 1.14: what the kernel loss does to its parameters.
@Suite struct KernelPriorTests {
    static func layer(outputs: Int, inputs: Int, seed: UInt64) throws -> BinaryConv2d {
        let store = ParameterStore(seed: seed, device: .cpu)
        return try BinaryConv2d(
            store.root / "layer", ConvolutionShape(inputs, outputs, kernel: 3),
            quantizer: KernelQuantizer(), latentStd: 0.01, initialScale: 0.05)
    }

    static func descend(_ parameter: Parameter, _ rate: Double) throws {
        let gradient = try #require(parameter.tensor.grad)
        try withoutGradient { () throws(TorchError) in
            try parameter.tensor.add_(gradient, scale: -rate)
            try gradient.zero_()
        }
    }

    @Test func `with fixed X, mu and sigma descend to the mean and deviation of |X|`() throws {
        let layer = try Self.layer(outputs: 8, inputs: 16, seed: 41)
        let expected = try layer.latentMoments()
        try withoutGradient { () throws(TorchError) in
            try layer.mu.tensor.copy_(from: layer.mu.tensor * 3.0)
            try layer.sigma.tensor.copy_(from: layer.sigma.tensor * 2.5)
        }
        let loss = BayesianKernelLoss(lambda: 1, nu: 1)
        for _ in 0..<4000 {
            try loss(layer).backward()
            try Self.descend(layer.mu, 2e-6)
            try Self.descend(layer.sigma, 2e-6)
        }
        for (found, expected) in [
            (layer.mu.tensor, expected.mean), (layer.sigma.tensor, expected.deviation),
        ] {
            let ratio = try (found.detached() / expected).to(.float64).doubles()
            #expect(ratio.allSatisfy { abs($0 - 1) < 1e-3 }, "\(ratio)")
        }
    }

    @Test func `the kernel loss alone turns one mode at zero into two modes`() throws {
        let layer = try Self.layer(outputs: 16, inputs: 16, seed: 42)
        func shareNearZero() throws -> Double {
            let half = try layer.mu.tensor.detached().view([-1, 1, 1, 1]) * 0.5
            return try layer.weight.tensor.detached().abs().lt(half).to(.float32).mean().item()
        }
        let before = try shareNearZero()
        let loss = BayesianKernelLoss(lambda: 1, nu: 0.01)
        for _ in 0..<300 {
            try loss(layer).backward()
            try Self.descend(layer.weight, 4e-5)
            try Self.descend(layer.mu, 1e-6)
            try Self.descend(layer.sigma, 1e-6)
            try withoutGradient { () throws(TorchError) in
                try layer.scale.tensor.grad?.zero_()
            }
        }
        let after = try shareNearZero()
        // A half-normal distribution has 31 % below half of its mean.
        #expect(before > 0.28 && before < 0.34, "before \(before)")
        #expect(after < before / 10, "before \(before), after \(after)")
    }
}
