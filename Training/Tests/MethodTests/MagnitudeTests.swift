import BONNMethods
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import Testing
import Torch

/// XNOR-Net's K (methods.md 2.3) against numbers of an independent script: one number for each pixel of a
/// layer's sums, constant in backward.
@Suite struct MagnitudeTests {
    @Test func `the runtime's products are those of an independent script`() throws {
        let record = try MethodRecord.named("xnor", "scaled")
        let network = try RecordedNetwork(record).network
        try RecordedTensors(record, network.store.parameters).set()
        #expect(network.store.trainable.map(\.name) == ["layer.weight"])
        let x = try record.input("x")
        let product: Name = "layer.scaled"
        let file = try PlanLowering(network.plan, weights: TrainedWeights(network)).file
        for kernels in KernelSet.available {
            let model = try Model(file, kernels: kernels, exposing: [product])
            var session = try InferenceSession(model, batch: x.shape[0])
            let values = try session.values(of: [product], input: x.floats())
            let wanted = try #require(record.results["output"])
            let found = try Tensor(#require(values[product]), shape: wanted.shape)
            try record.expect(found, wanted, "\(product) with \(kernels)")
        }
    }
}
