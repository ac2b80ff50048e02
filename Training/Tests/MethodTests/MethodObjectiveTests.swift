import BONNModelFormat
import BONNNetworks
import BONNTrainer
import Testing
import Torch

@testable import BONNMethods

/// The losses of methods against numbers of an independent script, and what they do between the steps.
@Suite struct MethodObjectiveTests {
    @Test(arguments: MethodRecord.all(.objective))
    func `values and gradients are those of an independent script`(record: MethodRecord) throws {
        let recorded = try RecordedNetwork(record)
        let network = recorded.network
        var objectives = try network.method.objectives(for: network)
        if let own = try network.method.classification(for: network) { objectives.append(own) }
        for settings in recorded.configuration.losses.objectives
        where record.asks(for: type(of: settings).name) {
            objectives.append(try #require(try settings.objective(for: network)))
        }
        let tensors = RecordedTensors(
            record, network.store.parameters + objectives.flatMap(\.parameters))
        try tensors.set()
        let x = try record.input("x").requiresGradient(true)
        let pass = ForwardPass(
            images: x, labels: try MethodRecord.labels(record.inputs["labels"]),
            output: try network(x, record.pass(isFusing: true)), progress: record.progress)
        try #require(objectives.contains { $0.acts(at: record.progress) })
        var terms: [Tensor] = []
        for objective in objectives where objective.acts(at: record.progress) {
            terms.append(try objective(pass))
        }
        let loss = try Tensor.stack(terms).sum()
        try record.expect(loss, record.results["output"], "loss")
        try #require(record.results.count == 1 && !record.gradients.isEmpty)
        try loss.backward()
        if let wanted = record.gradients["x"] {
            try record.expect(x.grad, wanted, "gradient of x")
        }
        try tensors.expectGradients()
    }

    private static func network(_ method: any Method) throws -> Network {
        var plan = PlanBuilder(input: Shape(4, 6, 6))
        let x = try method.style.block(
            &plan, PlanBuilder.input, "block", outputs: 4, stride: 1)
        return try Network(plan.ended(x, classes: 4), method, seed: 5)
    }

    private static func pass(_ network: Network, _ progress: RunProgress) throws -> ForwardPass {
        let images = try Generator(seed: 6).normal([3, 4, 6, 6])
        let labels = try Tensor(int64s: [0, 1, 2], shape: [3])
        return ForwardPass(
            images: images, labels: labels,
            output: try network(images, Pass(.training, progress: progress)), progress: progress)
    }

    @Test(arguments: [TangNet() as any Method, PCNN(), MCN(), BNNDL(), ReBNN()])
    func `a method brings its loss along, which reaches its weights`(method: any Method) throws {
        let network = try Self.network(method)
        let objectives = try method.objectives(for: network)
        #expect(objectives.count == 1)
        let pass = try Self.pass(network, .start)
        let balance = network.store["block.0.convolution.balance"]
        try withoutGradient { () throws(TorchError) in try balance?.tensor.fill_(0.5) }
        let loss = try objectives[0](pass)
        try loss.backward()
        #expect(try loss.item().isFinite && loss.item() != 0)
        let latent = network.quantizedLayers[0].latent.tensor
        let gradient = try #require(latent.grad).abs().sum().item()
        // BNN-DL's acts on what is behind the first sign.
        #expect(gradient > 0 || method is BNNDL)
    }

    @Test func `a distribution loss ends before the run, and sees each batch once`() throws {
        let method = BNNDL(duration: 0.5)
        let network = try Self.network(method)
        let loss = try #require(method.objectives(for: network).first)
        #expect(loss.acts(at: RunProgress(epoch: 4, epochs: 10)))
        #expect(!loss.acts(at: RunProgress(epoch: 5, epochs: 10)))
        let pass = try Self.pass(network, .start)
        _ = try loss(pass)
        #expect(throws: TorchError.self) { _ = try loss(pass) }
        #expect(BNNDL(strength: 0).objectives(for: network).isEmpty)
    }

    @Test func `the balance of a filter is its share of flips times its largest gradient`() throws {
        let store = ParameterStore(seed: 1, device: .cpu)
        let latent = try Tensor(
            [0.1, -0.2, 0.3, 0.4, 0.5, -0.5, 0.25, -0.25] as [Float], shape: [2, 4]
        ).requiresGradient(true)
        let made = try ReBNN().kernel(store.root / "layer", latent: latent)
        let kernel = try #require(made as? ReBNN.Kernel)
        let scales = try kernel.scale.tensor.detached().floats()
        #expect(scales == [0.25, 0.375])
        let half = try Tensor([0.5, 0] as [Float], shape: [2])
        try withoutGradient { () throws(TorchError) in
            try kernel.balance.tensor.copy_(from: half)
        }
        let g = try Tensor([1, -3, 2, 0, 0.5, 0.25, 0, -4] as [Float], shape: [2, 4])
        let task = try (kernel(latent, Pass(.training)) * g).sum()
        try (task + kernel.loss(latent)).backward()
        let rule = ReBNN.Balance([(latent, kernel)])
        try rule.gradientsReady(.start)
        let moved = try Tensor(
            [-0.1, -0.2, -0.3, 0.4, 0.5, -0.5, 0.25, -0.25] as [Float], shape: [2, 4])
        try withoutGradient { () throws(TorchError) in try latent.copy_(from: moved) }
        try rule.afterUpdate(.start)
        // Two of four flipped; the largest |dL/dWb| of the task is 3.
        let found = try kernel.balance.tensor.floats()
        #expect(abs(found[0] - 1.5) < 1e-5 && found[1] == 0)
    }

    @Test(arguments: [PCNN(projections: 4) as any Method, MCN(modulations: 4)])
    func `layers whose outputs do not come in groups are refused`(method: any Method) throws {
        var plan = PlanBuilder(input: Shape(4, 6, 6))
        let x = try method.style.block(
            &plan, PlanBuilder.input, "block", outputs: 6, stride: 1)
        let ended = try plan.ended(x, classes: 4)
        #expect {
            _ = try method.adapt(ended)
        } throws: { error in
            (error as? PlanError)?.message.contains("expected a multiple of method.") == true
        }
    }
}
