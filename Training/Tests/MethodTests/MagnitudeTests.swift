import BONNMethods
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import Testing
import Torch

/// XNOR-Net's K (methods.md 2.3) against numbers of an independent script: one number for each pixel of a
/// layer's sums, constant in backward.
@Suite struct MagnitudeTests {
    /// A sign, a convolution and K, with the recorded weights.
    private static func network(_ record: MethodRecord) throws -> (Network, latent: Parameter) {
        let (x, weight) = (try record.input("x"), try record.input("weight"))
        var plan = PlanBuilder(input: Shape(x.shape[1], x.shape[2], x.shape[3]))
        let bits = try plan.add(.quantize, "sign", PlanBuilder.input)
        let y = try plan.add(
            PlanBuilder.convolution3x3(outputs: weight.shape[0], stride: 1), "layer", bits)
        let row = try plan.add(.flatten, "row", y)
        let network = try Network(
            plan.plan(features: row, output: row), XNORNet(scaledActivations: true), seed: 1)
        let latent = try #require(network.store["layer.weight"])
        try withoutGradient { () throws(TorchError) in try latent.tensor.copy_(from: weight) }
        return (network, latent)
    }

    @Test(arguments: [true, false])
    func `values, gradients and steps are those of an independent script`(isFusing: Bool) throws {
        let record = try MethodRecord("xnor", "xnor/scaled")
        let g = try record.input("g")
        func run(_ network: Network, _ x: Tensor) throws -> Tensor {
            let y = try network(x, Pass(.training, isFusing: isFusing)).logits.reshape(g.shape)
            try (y * g).sum().backward()
            return y
        }
        let (network, latent) = try Self.network(record)
        let x = try record.input("x").requiresGradient(true)
        try record.expect(run(network, x), record.results["output"], "output")
        try record.expect(x.grad, record.gradients["x"], "gradient of x")
        try record.expect(
            latent.tensor.grad, record.gradients["weight"], "gradient of weight", tolerance: 5e-5)
        #expect(network.store.trainable.map(\.name) == ["layer.weight"])
        for isAdam in [false, true] {
            let (network, latent) = try Self.network(record)
            let group = [
                try ParameterGroup(
                    [(name: latent.name, tensor: latent.tensor)],
                    learningRate: isAdam ? 0.01 : 0.05)
            ]
            let optimizer: any Optimiser =
                isAdam ? try Adam(group) : try SGD(group, momentum: 0.9)
            for step in isAdam ? [record.adam] : record.sgd {
                try optimizer.zeroGradients()
                _ = try run(network, record.input("x"))
                try optimizer.step()
                try record.expect(
                    latent.tensor, step["weight"], isAdam ? "Adam step" : "SGD step",
                    tolerance: 5e-5)
            }
        }
    }

    @Test func `the runtime's magnitudes and products are those of an independent script`() throws {
        let record = try MethodRecord("xnor", "xnor/scaled")
        let (network, _) = try Self.network(record)
        let x = try record.input("x")
        let (magnitudes, product): (Name, Name) = ("layer.magnitudes", "layer.scaled")
        let file = try PlanLowering(network.plan, weights: TrainedWeights(network)).file
        for kernels in KernelSet.available {
            let model = try Model(file, kernels: kernels, exposing: [magnitudes, product])
            var session = try InferenceSession(model, batch: x.shape[0])
            let values = try session.values(of: [magnitudes, product], input: x.floats())
            for (name, recorded) in [(magnitudes, "magnitudes"), (product, "output")] {
                let wanted = try #require(record.results[recorded])
                let found = try Tensor(#require(values[name]), shape: wanted.shape)
                try record.expect(found, wanted, "\(name) with \(kernels)")
            }
        }
    }
}
