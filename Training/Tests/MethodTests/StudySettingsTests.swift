import BONNConfiguration
import BONNModelFormat
import BONNNetworks
import Foundation
import Testing
import Torch

@testable import BONNMethods

/// The settings that a study of how BNNs are optimised varies (methods.md 2.15).
@Suite struct StudySettingsTests {
    private static let values = [-2.5, -1.0, -0.75, -0.1, 0.0, 0.25, 0.9, 1.5, 4.0]

    @Test func `the slope of SignSwish is the printed one`() throws {
        let x = try leaf(Self.values, [Self.values.count])
        try Slope.swish.surrogate(x).sum().backward()
        let gradient = try #require(x.grad).doubles()
        for (value, found) in zip(Self.values, gradient) {
            let y = 5 * value
            let expected = 5 * (2 - y * tanh(y / 2)) / (1 + cosh(y))
            #expect(abs(found - expected) < 1e-6, "at \(value)")
        }
        #expect(gradient.max() == gradient[4] && abs(gradient[4] - 5) < 1e-12)
    }

    /// Latent weights in units of H, which is 0.3 here.
    @Test(arguments: [Slope.clip, .identity, .swish], [true, false])
    func `BNN's weights have the slope and the range of its settings`(
        slope: Slope, clips: Bool
    ) throws {
        let store = ParameterStore(seed: 1, device: .cpu)
        var method = BNN()
        (method.slope, method.clipWeights) = (slope, clips)
        method.glorotRates = false
        let kernel = try method.kernel(
            store.root, latent: Tensor.zeros([Self.values.count, 1]))
        let latent = try leaf(Self.values, [Self.values.count, 1])
        let binary = try kernel(latent, Pass(.training))
        #expect(try binary.doubles() == Self.values.map { $0 >= 0 ? 1 : -1 })
        try binary.sum().backward()
        let gradient = try #require(latent.grad).doubles()
        for (value, found) in zip(Self.values, gradient) where !clips || abs(value) <= 1 {
            let y = 5 * value
            let expected =
                switch slope {
                case .identity: 1.0
                case .swish: 5 * (2 - y * tanh(y / 2)) / (1 + cosh(y))
                default: abs(value) <= 1 ? 1.0 : 0
                }
            #expect(abs(found - expected) < 1e-6, "at \(value)")
        }
        try kernel.constrain(latent)
        let kept = clips ? Self.values.map { min(max($0, -1), 1) } : Self.values
        #expect(try latent.detached().doubles() == kept)
        let activation = try method.activation(store.root / "a", channels: 1)
        #expect((activation as? SignQuantizer)?.slope == SignSlope(slope))
    }

    @Test func `a bound scales what the slope is asked of`() throws {
        let kernel = BoundedSigns(bound: 0.5, slope: .clip, isClipped: false)
        let latent = try leaf([-0.6, -0.4, 0.5, 0.51], [4, 1])
        try kernel(latent, Pass(.training)).sum().backward()
        #expect(try latent.grad?.doubles() == [0, 1, 1, 0])
    }

    @Test func `batch norms have the momentum of the model`() throws {
        var configuration = NetworkConfiguration(network: "wrn22", widths: [4, 4, 4, 4])
        configuration.normMomentum = 0.25
        let network = try Network(configuration, for: 8, seed: 1)
        let images = try Tensor(
            gaussian(2 * 3 * 64, seed: 4).map(Float.init), shape: [2, 3, 8, 8])
        let name = try #require(
            network.plan.layers.first { $0.layer == .batchNorm }?.name.text)
        let conv = try #require(network.plan.layers.first?.name)
        let sums = try network.evaluated(conv, [images])
        _ = try network(images, .training)
        let mean = try sums.mean([0, 2, 3]).detached().doubles()
        let running = try #require(network.store[name + ".running_mean"]).tensor.doubles()
        for (found, expected) in zip(running, mean) {
            #expect(abs(found - 0.25 * expected) < 1e-6)
        }
    }

    @Test func `real activations are hardtanh in the place of signs, with the same names`() throws {
        var configuration = NetworkConfiguration(
            network: "convnet", widths: [8, 8, 8, 8], method: BNN())
        let binary = try configuration.plan(for: 16)
        configuration.method.weights = .real
        configuration.method.activations = .hardtanh
        let real = try configuration.plan(for: 16)
        #expect(real.layers.map(\.name) == binary.layers.map(\.name))
        #expect(!real.layers.contains { $0.layer == .quantize })
        let signs = binary.layers.count { $0.layer == .quantize }
        #expect(signs > 0 && real.layers.count { $0.layer == .hardtanh } >= signs)
        let network = try Network(configuration, for: 16, seed: 1)
        #expect(network.quantizedLayers.isEmpty)
    }

    /// sign(max) is max of signs: where the pooling stands changes the statistics of batch norm alone.
    @Test func `pooling behind the norm stands between it and the sign`() throws {
        var method = BNN()
        method.pooling = .norm
        let plan = try NetworkConfiguration(
            network: "convnet", widths: [8, 8, 8, 8], method: method
        ).plan(for: 16)
        for layer in plan.layers {
            guard case .maxPool = layer.layer else { continue }
            #expect(plan[layer.inputs[0]]?.layer == .batchNorm)
        }
        let pools = plan.layers.count { if case .maxPool = $0.layer { true } else { false } }
        #expect(pools == 3)
    }

    @Test func `the fully connected network has three layers of 2048 and a last one`() throws {
        let plan = try NetworkConfiguration(
            network: "mlp", inputChannels: 1, method: BNN()
        ).plan()
        let shapes = plan.layers.compactMap { layer in
            if case .linear(let linear) = layer.layer { linear.outputs } else { nil }
        }
        #expect(shapes == [2048, 2048, 2048, 10])
        let quantized = plan.layers.filter(\.layer.hasQuantizedWeights)
        #expect(quantized.count == 4)
    }
}
