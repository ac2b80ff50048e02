import BONNModelFormat
import BONNNetworks
import BONNTrainer
import Testing
import Torch

@testable import BONNMethods

/// Quantizers of every method against numbers of an independent script: forward values, gradients of the
/// input, of latent weights and of the quantizers' own parameters, and steps of optimizers.
@Suite struct MethodQuantizerTests {
    /// A convolution with the quantizers of a method.
    private struct Layer {
        let record: MethodRecord
        let store = ParameterStore(seed: 1, device: .cpu)
        let method: any Method
        let latent: Parameter
        let kernel: any KernelQuantizer
        let activation: any ActivationQuantizer
        var tensors: RecordedTensors { RecordedTensors(record, store.parameters) }

        init(_ record: MethodRecord) throws {
            self.record = record
            method = try record.configuration().model.method.value
            let weight = try record.input("layer.weight")
            let scope = store.root / "layer"
            latent = try scope.parameter("weight", weight.shape, .constant(0), role: .latent)
            // What else there is may start from it.
            try withoutGradient { [latent] () throws(TorchError) in
                try latent.tensor.copy_(from: weight)
            }
            kernel = try method.kernel(scope, latent: latent.tensor)
            activation = try method.activation(
                store.root / "sign", channels: try record.input("x").shape[1])
            try tensors.set()
        }

        /// Forward and backward of sum(output * g).
        func run(
            _ x: Tensor, isFusing: Bool = true
        ) throws -> (activation: Tensor, kernel: Tensor, output: Tensor) {
            let pass = try record.pass(isFusing: isFusing)
            let a = try activation(x, pass)
            let k = try kernel(latent.tensor, pass)
            let output = try method.sums(a.conv2d(k, padding: 1), pass)
            try (output * record.input("g")).sum().backward()
            return (a, k, output)
        }
    }

    @Test(arguments: MethodRecord.all(.quantizer), [true, false])
    func `values and gradients are those of an independent script`(
        record: MethodRecord, isFusing: Bool
    ) throws {
        let layer = try Layer(record)
        let x = try record.input("x").requiresGradient(true)
        let found = try layer.run(x, isFusing: isFusing)
        try record.expect(x.grad, record.gradients["x"], "gradient of x")
        try layer.tensors.expectGradients()
        let evaluation = Pass(.evaluation, progress: record.progress, isFusing: isFusing)
        for (name, wanted) in record.results {
            let tensor =
                switch name {
                case "activation": found.activation
                case "kernel": found.kernel
                case "output": found.output
                case "evaluated_activation": try layer.activation(x, evaluation)
                case "evaluated_kernel": try layer.kernel(layer.latent.tensor, evaluation)
                default: try layer.tensors[name].tensor
                }
            try record.expect(tensor, wanted, name)
        }
        let always: Set = ["activation", "kernel", "output"]
        #expect(always.isSubset(of: record.results.keys))
    }

    @Test(arguments: MethodRecord.all(.quantizer).filter { !$0.sgd.isEmpty })
    func `steps of optimizers are those of an independent script`(record: MethodRecord) throws {
        try RecordedTensors.expectSteps(
            of: record, { try Layer(record) }, tensors: \.tensors,
            run: { _ = try $0.run(record.input("x")) },
            constrain: { layer in
                try withoutGradient { () throws(TorchError) in
                    try layer.kernel.constrain(layer.latent.tensor)
                }
            })
    }

    @Test(arguments: MethodRecord.all(.quantizer))
    func `deployed forms are what evaluation computes`(record: MethodRecord) throws {
        let layer = try Layer(record)
        if let refusal = record.refusal {
            #expect {
                _ = try layer.kernel.deployed(layer.latent.tensor)
                _ = try layer.activation.deployed()
            } throws: { error in
                (error as? TorchError)?.message.contains(refusal) == true
            }
            return
        }
        let x = try record.input("x")
        let evaluation = Pass(.evaluation, progress: record.progress)
        let values = try x.floats()
        let pixels = x.shape[2] * x.shape[3]
        let found: [Float]
        switch try layer.activation.deployed() {
        case .real: found = values
        case .planes(let planes):
            found = values.enumerated().map { index, value in
                planes.reduce(Float(0)) { sum, plane in
                    let channel = index / pixels % x.shape[1]
                    let level = plane.level[plane.level.count == 1 ? 0 : channel]
                    let low: Float = plane.levels == .unsignedBits ? 0 : -1
                    return sum + plane.weight * (value >= level ? 1 : low)
                }
            }
        }
        let evaluated = try layer.activation(x, evaluation).floats()
        #expect(zip(found, evaluated).allSatisfy { abs($0 - $1) < 1e-6 })
        let latent = layer.latent.tensor
        let trained = try layer.kernel(latent, evaluation).detached()
        let depth = trained.count / trained.shape[0]
        let kernel: [Float]
        switch try layer.kernel.deployed(latent) {
        case .real(let values): kernel = values
        case .binary(let terms):
            kernel = (0..<trained.count).map { index in
                terms.reduce(Float(0)) { sum, term in
                    let scale = term.scale[term.scale.count == 1 ? 0 : index / depth]
                    return sum + (term.signs[index] >= 0 ? scale : -scale)
                }
            }
        }
        #expect(kernel.count == trained.count && found.count == evaluated.count)
        #expect(zip(kernel, try trained.floats()).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    /// What is deployed as bits is so by design, and what is not is known.
    @Test func `what a method cannot do is refused, and drawn weights are real`() throws {
        let store = ParameterStore(seed: 1, device: .cpu)
        let wide = try DoReFaNet(activationBits: 5).activation(store.root / "sign", channels: 1)
        #expect {
            _ = try wide.deployed()
        } throws: { error in
            (error as? TorchError)?.message.contains("5 bits are 31 planes") == true
        }
        let latent = try Tensor([0.1, -0.05] as [Float], shape: [1, 2])
        let drawn = try BinaryConnect(stochastic: true, glorotRates: false)
            .kernel(store.root / "layer", latent: latent)
        #expect(try drawn.deployed(latent) == .real([0.1, -0.05]))
        #expect {
            _ = try drawn(latent, Pass(.training))
        } throws: { error in
            (error as? TorchError)?.code == .state
        }
        let sums = try Tensor([3, 0, 0, 0] as [Float], shape: [2, 2]).requiresGradient(true)
        let method = DoReFaNet(gradientBits: 4)
        #expect(throws: TorchError.self) { _ = try method.sums(sums, Pass(.training)) }
        #expect(try method.sums(sums, Pass(.evaluation)).floats() == [3, 0, 0, 0])
        // An image without a gradient keeps none.
        let pass = Pass(.training, generator: try Generator(seed: 4))
        let g = try Tensor([0.5, -0.25, 0, 0] as [Float], shape: [2, 2])
        try (method.sums(sums, pass) * g).sum().backward()
        let gradient = try #require(sums.grad).floats()
        #expect(abs(gradient[0] - 0.5) <= 0.04 && gradient[2...] == [0, 0])
    }
}
