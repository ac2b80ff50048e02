import BONNConfiguration
import BONNMethods
import BONNNetworks
import Testing
import Torch

@Suite struct NetworkTests {
    static func count(_ network: Network, _ roles: Set<ParameterRole>) -> Int {
        network.store.parameters.filter { roles.contains($0.role) }
            .reduce(0) { $0 + $1.tensor.count }
    }

    /// methods.md 1.8: 0.27 M and 4.33 M in the paper; 0.271 M and 4.32 M before batch norm and PReLU.
    @Test(arguments: [([16, 16, 32, 64], 0.271e6), ([64, 64, 128, 256], 4.32e6)])
    func `WRN-22 has the paper's number of weights`(widths: [Int], expected: Double) throws {
        let network = try Network(.init(network: "wrn22", widths: widths), seed: 1)
        let weights = Self.count(network, [.latent, .weight])
        #expect(abs(Double(weights) - expected) < 0.01 * expected, "\(weights)")
        #expect(network.quantizedLayers.count == 18)
    }

    @Test func `ResNet-18 has the paper's layers`() throws {
        let network = try Network(.init(network: "resnet18", classes: 1000), for: 64, seed: 1)
        #expect(network.quantizedLayers.count == 16)
        // 3x3 convolutions of He's ResNet-18 without the stem.
        #expect(Self.count(network, [.latent]) == 10_985_472)
        // Stem, three 1x1 shortcuts, fully connected layer.
        #expect(Self.count(network, [.weight]) == 9408 + 172_032 + 512_000)
        let output = try withoutGradient { () throws(TorchError) in
            try network(Tensor.zeros([1, 3, 64, 64]), .evaluation)
        }
        #expect(output.logits.shape == [1, 1000])
        #expect(output.features.shape == [1, 512])
    }

    @Test func `initial weights depend on the seed and the name alone`() throws {
        let small = try Network(.init(network: "wrn22", widths: [4, 4, 4, 4]), seed: 7)
        let deep = try Network(.init(network: "wrn40", widths: [4, 4, 4, 4]), seed: 7)
        let other = try Network(.init(network: "wrn22", widths: [4, 4, 4, 4]), seed: 8)
        var differing = 0
        for parameter in small.store.parameters {
            let twin = try #require(deep.store[parameter.name]).tensor
            #expect(try parameter.tensor.equals(twin), "\(parameter.name)")
            let stranger = try #require(other.store[parameter.name]).tensor
            if try !parameter.tensor.equals(stranger) { differing += 1 }
        }
        #expect(differing > 20)
    }

    @Test func `mu and sigma start as the mean and deviation of |X|`() throws {
        let network = try Network(.init(network: "wrn22", widths: [8, 8, 8, 8]), seed: 3)
        for layer in network.quantizedLayers {
            let kernel = try #require(layer.quantizer as? BONNKernel)
            let values = try layer.latent.tensor.detached().abs().flatten(from: 1)
                .to(.float64).doubles()
            let outputs = layer.latent.tensor.shape[0]
            let size = values.count / outputs
            let mu = try kernel.mu.tensor.to(.float64).doubles()
            let sigma = try kernel.sigma.tensor.to(.float64).doubles()
            for kernel in 0..<outputs {
                let part = values[(kernel * size)..<((kernel + 1) * size)]
                let mean = part.reduce(0, +) / Double(size)
                let variance = part.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(size)
                #expect(abs(mu[kernel] - mean) < 1e-7)
                #expect(abs(sigma[kernel] - variance.squareRoot()) < 1e-7)
            }
        }
    }

    @Test func `dropout acts in training alone and repeats with its generator`() throws {
        let configuration = NetworkConfiguration(
            network: "wrn22", widths: [4, 4, 4, 4], method: BONN(block: BONNBlock(dropout: 0.5)))
        let images = try Generator(seed: 5).normal([2, 3, 8, 8])
        func logits(_ phase: Phase, _ seed: UInt64?) throws -> [Float] {
            let network = try Network(configuration, for: 8, seed: 1)
            network.generator = try seed.map { try Generator(seed: $0) }
            return try withoutGradient { () throws(TorchError) in
                try network(images, phase).logits.floats()
            }
        }
        #expect(try logits(.training, 1) == logits(.training, 1))
        #expect(try logits(.training, 1) != logits(.training, 2))
        #expect(try logits(.evaluation, 1) == logits(.evaluation, 2))
    }

    @Test func `a step of gradient descent lowers the loss of a batch`() throws {
        let network = try Network(
            .init(network: "wrn22", widths: [8, 8, 16, 16]), for: 16, seed: 11)
        let images = try Generator(seed: 12).normal([32, 3, 16, 16])
        let labels = try Tensor(int64s: (0..<32).map { Int64($0 % 10) }, shape: [32])
        let optimiser = try Adam(
            [
                ParameterGroup(
                    network.store.trainable.map { (name: $0.name, tensor: $0.tensor) },
                    learningRate: 2e-3)
            ])
        var losses: [Double] = []
        for _ in 0..<60 {
            try optimiser.zeroGradients()
            let loss = try network(images, .training).logits.crossEntropy(labels)
            try loss.backward()
            try optimiser.step()
            try network.constrain()
            losses.append(try loss.item())
        }
        #expect(losses[59] < 0.6 * losses[0], "\(losses)")
    }

    @Test(arguments: [
        (NetworkConfiguration(network: "wrn22", widths: [16, 16, 32]), "model.widths"),
        (NetworkConfiguration(network: "wrn2"), "model.name"),
        (NetworkConfiguration(network: "wrn22", classes: 1), "model.classes"),
        (NetworkConfiguration(network: "wrn22", inputChannels: 2), "model.input_channels"),
        (NetworkConfiguration(method: BONN(latentStd: 0)), "method.latent_std is 0.0, expected a"),
        (NetworkConfiguration(method: BONN(initialScale: -1)), "method.initial_scale is -1.0"),
        (NetworkConfiguration(method: BONN(block: BONNBlock(dropout: 1))), "method.dropout is 1.0"),
        (
            NetworkConfiguration(method: ABCNet(kernelTerms: 9)),
            "method.kernel_terms is 9, expected"
        ),
    ])
    func `an impossible configuration is refused by the value's name`(
        configuration: NetworkConfiguration, name: String
    ) {
        #expect {
            try configuration.validate()
        } throws: { error in
            (error as? NetworkError)?.message.contains(name) == true
        }
    }

    @Test(arguments: [
        (ImageSize(height: 0, width: 32), "1x32"), (ImageSize(height: 5000, width: 32), "4096x32"),
        (ImageSize(height: -3, width: 99_999), "1x4096"),
    ])
    func `images that do not fit are refused with the nearest size that does`(
        size: ImageSize, nearest: String
    ) {
        #expect {
            try NetworkConfiguration(network: "resnet18").validate(
                height: size.height, width: size.width)
        } throws: { error in
            (error as? NetworkError)?.message.hasSuffix("image_size = " + nearest) == true
        }
    }

    @Test(arguments: ["wrn22", "resnet18"], [(1, 1), (3, 5), (13, 30), (31, 17)])
    func `every size passes through a network, and its gradient back`(
        name: String, size: (height: Int, width: Int)
    ) throws {
        let configuration = NetworkConfiguration(
            network: name, widths: name == "wrn22" ? [2, 2, 4, 6] : [2, 2, 4, 6, 8], classes: 3)
        try configuration.validate(height: size.height, width: size.width)
        let network = try Network(
            configuration, for: ImageSize(height: size.height, width: size.width), seed: 3)
        let images = try Generator(seed: 4).normal([2, 3, size.height, size.width])
        let labels = try Tensor(int64s: [0, 2], shape: [2])
        let output = try network(images, .training)
        #expect(output.logits.shape == [2, 3])
        try output.logits.crossEntropy(labels).backward()
        let gradient = try #require(network.store["stem.convolution.weight"]?.tensor.grad)
        #expect(try gradient.floats().allSatisfy(\.isFinite))
    }
}
