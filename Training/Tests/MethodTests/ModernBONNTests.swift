import BONNModelFormat
import BONNNetworks
import Testing
import Torch

@testable import BONNMethods

/// BONN's losses on ReActNet: the kernel loss against plain loops, and that nothing else differs from ReActNet.
@Suite struct ModernBONNTests {
    @Test func `the kernel loss and its gradients are those of the formula`() throws {
        let (kernels, columns, nu) = (3, 8, 0.02)
        let x = try gaussian(kernels * columns, seed: 1, deviation: 0.5)
        let (mu, sigma) = ([0.3, 0.5, 0.7], [0.2, 0.4, 0.1])
        // Xhat = mean|X| sign(X), as constant as backward has it.
        var scales = [Double](repeating: 0, count: kernels)
        for (place, value) in x.enumerated() {
            scales[place / columns] += abs(value) / Double(columns)
        }
        func loss(_ x: [Double], _ mu: [Double], _ sigma: [Double]) -> Double {
            var sum = 0.0
            for (place, value) in x.enumerated() {
                let kernel = place / columns
                let hat = value >= 0 ? scales[kernel] : -scales[kernel]
                sum += (hat - value) * (hat - value)
                let offset = abs(value) - mu[kernel]
                sum += nu * offset * offset / (sigma[kernel] * sigma[kernel])
                sum += nu * loggingE(sigma[kernel] * sigma[kernel])
            }
            return sum
        }
        func parameter(_ tensor: Tensor, _ role: ParameterRole) -> Parameter {
            Parameter(name: "parameter", tensor: tensor, role: role)
        }
        let latent = try leaf(x, [kernels, 2, 2, 2])
        let modes = (try leaf(mu, [kernels]), try leaf(sigma, [kernels]))
        let scope = ParameterStore(seed: 1, device: .cpu).root / "layer"
        let kernel = ModernBONN.Kernel(
            base: try ReActNet().kernel(scope, latent: latent),
            mu: parameter(modes.0, .mu), sigma: parameter(modes.1, .sigma))
        let found = try kernel.deviation(latent, nu: nu)
        expectClose([try found.item()], [loss(x, mu, sigma)], 1e-12, "J")
        try found.backward()
        expectClose(
            try #require(latent.grad).doubles(), finiteDifferences(at: x) { loss($0, mu, sigma) },
            1e-7, "X")
        // Equations 17 and 18: divided by N_i.
        for (tensor, expected) in [
            (modes.0, finiteDifferences(at: mu) { loss(x, $0, sigma) }),
            (modes.1, finiteDifferences(at: sigma) { loss(x, mu, $0) }),
        ] {
            expectClose(
                try #require(tensor.grad).doubles(), expected.map { $0 / Double(columns) }, 1e-7,
                "modes")
        }
    }

    @Test func `without its losses it is ReActNet in every bit`() throws {
        let entry = try #require(Networks.named("wrn22"))
        func network(_ method: any Method) throws -> Network {
            try Network(
                entry.plan(
                    input: Shape(3, 12, 12), classes: 4, widths: [4, 4, 6, 8], style: method.style),
                method, seed: 3)
        }
        let (modern, plain) = (try network(ModernBONN()), try network(ReActNet()))
        #expect(modern.plan == plain.plan)
        let images = try Generator(seed: 4).normal([4, 3, 12, 12])
        let (found, wanted) = (
            try modern(images, .training).logits, try plain(images, .training).logits
        )
        #expect(try found.detached().equals(wanted.detached()))
        try found.square().sum().backward()
        try wanted.square().sum().backward()
        for parameter in plain.store.trainable {
            let own = try #require(modern.store[parameter.name]?.tensor.grad, "\(parameter.name)")
            #expect(try own.equals(#require(parameter.tensor.grad)), "\(parameter.name)")
        }
        let extra = modern.store.trainable.filter { plain.store[$0.name] == nil }
        #expect(extra.count == 2 * modern.quantizedLayers.count)
        #expect(extra.allSatisfy { $0.tensor.grad == nil && !$0.role.isDeployed })
    }

    @Test
    func `the modes start at the moments of the magnitudes, and the kernel loss acts on them`()
        throws
    {
        let entry = try #require(Networks.named("wrn22"))
        let plan = try entry.plan(
            input: Shape(3, 12, 12), classes: 4, widths: [4, 4, 6, 8], style: ModernBONN().style)
        let network = try Network(plan, ModernBONN(), seed: 5)
        let layer = network.quantizedLayers[0]
        let moments = try BONNKernel.moments(layer.latent.tensor)
        let mu = try #require(network.store["\(layer.name).mu"])
        #expect(try mu.tensor.detached().equals(moments.mean))
        let settings = KernelLossSettings(lambda: 0.1, nu: 0.1)
        #expect(settings.objective(for: network) != nil)
        let real = try Network(plan.withRealWeights(), ModernBONN(), seed: 5)
        #expect(settings.objective(for: real) == nil, "in the second step only")
    }
}
