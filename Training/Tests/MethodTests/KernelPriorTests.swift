import BONNMethods
import Testing
import Torch

/// Acceptance tests 2 and 3 of methods.md 1.14: what the kernel loss does to its parameters.
@Suite struct KernelPriorTests {
    /// Latent weights of a convolution, and their quantizer.
    static func layer(
        outputs: Int, inputs: Int, seed: UInt64
    ) throws -> (latent: Parameter, kernel: BONNKernel) {
        let scope = ParameterStore(seed: seed, device: .cpu).root / "layer"
        let shape = [outputs, inputs, 3, 3]
        let latent = try scope.parameter(
            "weight", shape, BONN().latent(shape).initialiser, role: .latent)
        return (latent, try BONNKernel(scope, latent: latent.tensor, initialScale: 0.05))
    }

    static func descend(_ parameter: Parameter, _ rate: Double) throws {
        let gradient = try #require(parameter.tensor.grad)
        try withoutGradient { () throws(TorchError) in
            try parameter.tensor.add_(gradient, scale: -rate)
            try gradient.zero_()
        }
    }

    @Test func `with fixed X, mu and sigma descend to the mean and deviation of |X|`() throws {
        let (latent, kernel) = try Self.layer(outputs: 8, inputs: 16, seed: 41)
        let expected = try BONNKernel.moments(latent.tensor)
        try withoutGradient { () throws(TorchError) in
            try kernel.mu.tensor.copy_(from: kernel.mu.tensor * 3.0)
            try kernel.sigma.tensor.copy_(from: kernel.sigma.tensor * 2.5)
        }
        let loss = BayesianKernelLoss(KernelLossSettings(lambda: 1, nu: 1))
        for _ in 0..<4000 {
            try loss(latent.tensor, kernel).backward()
            try Self.descend(kernel.mu, 2e-6)
            try Self.descend(kernel.sigma, 2e-6)
        }
        for (found, expected) in [
            (kernel.mu.tensor, expected.mean), (kernel.sigma.tensor, expected.deviation),
        ] {
            let ratio = try (found.detached() / expected).to(.float64).doubles()
            #expect(ratio.allSatisfy { abs($0 - 1) < 1e-3 }, "\(ratio)")
        }
    }

    @Test func `the kernel loss alone turns one mode at zero into two modes`() throws {
        let (latent, kernel) = try Self.layer(outputs: 16, inputs: 16, seed: 42)
        func shareNearZero() throws -> Double {
            let half = try kernel.mu.tensor.detached().view([-1, 1, 1, 1]) * 0.5
            return try latent.tensor.detached().abs().lt(half).to(.float32).mean().item()
        }
        let before = try shareNearZero()
        let loss = BayesianKernelLoss(KernelLossSettings(lambda: 1, nu: 0.01))
        for _ in 0..<300 {
            try loss(latent.tensor, kernel).backward()
            try Self.descend(latent, 4e-5)
            try Self.descend(kernel.mu, 1e-6)
            try Self.descend(kernel.sigma, 1e-6)
            try withoutGradient { () throws(TorchError) in
                try kernel.scale.tensor.grad?.zero_()
            }
        }
        let after = try shareNearZero()
        // A half-normal distribution has 31 % below half of its mean.
        #expect(before > 0.28 && before < 0.34, "before \(before)")
        #expect(after < before / 10, "before \(before), after \(after)")
    }
}
