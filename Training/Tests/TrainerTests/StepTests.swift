import BONNMethods
import BONNModelFormat
import BONNNetworks
import Foundation
import Testing
import Torch

@testable import BONNTrainer

/// One step, and what methods may bring to it.
@Suite struct StepTests {
    private static let progress = RunProgress(epoch: 0, epochs: 1)
    private static let labels: [Int64] = [0, 2, 2, 1]

    private static func batch() throws -> (images: Tensor, labels: Tensor) {
        (
            try Generator(seed: 8).normal([4, 3, 8, 8]),
            try Tensor(int64s: labels, shape: [4])
        )
    }

    @Test func `what a step tells are the bits of terms and logits that are read one by one`()
        throws
    {
        let model = NetworkConfiguration(network: "wrn22", widths: [2, 2, 4, 4], classes: 3)
        var losses = LossConfiguration()
        losses[KernelLossSettings.self].lambda = 0.01
        losses[FeatureLossSettings.self].theta = 0.1
        losses.classification.labelSmoothing = 0.1
        let (images, labels) = try Self.batch()
        let step = try TrainingStep(
            try Network(model, seed: 9), losses: losses, optimizer: OptimizerConfiguration(),
            device: .cpu)
        #expect(step.objectives.map(\.name) == ["cross_entropy", "kernel_loss", "feature_loss"])
        let twin = try Network(model, seed: 9)
        let output = try twin(images, .training)
        let pass = ForwardPass(
            images: images, labels: labels, output: output, progress: Self.progress)
        let kernel = try #require(KernelLossSettings(lambda: 0.01).objective(for: twin))
        let feature = try #require(try FeatureLossSettings(theta: 0.1).objective(for: twin))
        let expected = [
            try output.logits.crossEntropy(labels, labelSmoothing: 0.1).item(),
            try kernel(pass).item(), try feature(pass).item(),
        ]
        let result = try step(images: images, labels: labels, factor: 1, progress: Self.progress)
        #expect(result.losses.values == expected && result.losses.names == step.terms)
        #expect(result.losses.total == expected[0] + expected[1] + expected[2])
        #expect(try result.logits == output.logits.detached().floats())
        // The feature loss has moved its centers behind the update.
        #expect(try step.ownParameters[0].tensor.floats().contains { $0 != 0 })
    }

    @Test func `objectives are there where a weight is above 0 and a network has what they act on`()
        throws
    {
        func names(_ method: any Method, kernel: Double, feature: Double) throws -> [String] {
            var losses = LossConfiguration()
            losses[KernelLossSettings.self].lambda = kernel
            losses[FeatureLossSettings.self].theta = feature
            let model = NetworkConfiguration(
                network: "wrn22", widths: [2, 2, 4, 4], classes: 3, method: method)
            let step = try TrainingStep(
                try Network(model, seed: 1), losses: losses, optimizer: OptimizerConfiguration(),
                device: .cpu)
            #expect(step.terms == ["cross_entropy", "kernel_loss", "feature_loss"])
            return step.objectives.map(\.name)
        }
        #expect(try names(BONN(), kernel: 1, feature: 0) == ["cross_entropy", "kernel_loss"])
        #expect(try names(BONN(), kernel: 0, feature: 1) == ["cross_entropy", "feature_loss"])
        #expect(try names(FullPrecision(), kernel: 1, feature: 0) == ["cross_entropy"])
        #expect(try names(XNORNet(), kernel: 1, feature: 1) == ["cross_entropy", "feature_loss"])
    }

    @Test func `the squared hinge is a term of its own, weighs classes and smooths no labels`()
        throws
    {
        let model = NetworkConfiguration(network: "wrn22", widths: [2, 2, 4, 4], classes: 3)
        var losses = LossConfiguration()
        losses.classification.loss = .squaredHinge
        let (images, labels) = try Self.batch()
        func step(_ losses: LossConfiguration) throws -> TrainingStep {
            try TrainingStep(
                try Network(model, seed: 9), losses: losses, classWeights: [0.5, 3, 2],
                optimizer: OptimizerConfiguration(), device: .cpu)
        }
        let made = try step(losses)
        #expect(made.terms == ["squared_hinge", "kernel_loss", "feature_loss"])
        let result = try made(images: images, labels: labels, factor: 0, progress: Self.progress)
        var sum = 0.0
        for (row, label) in [0, 2, 2, 1].enumerated() {
            let perClass = (0..<3).map { k in
                max(0, 1 - (k == label ? 1 : -1) * Double(result.logits[3 * row + k]))
            }
            sum += [0.5, 3, 2][label] * perClass.map { $0 * $0 }.reduce(0, +) / 3
        }
        #expect(try abs(#require(result.losses["squared_hinge"]) - sum / (0.5 + 2 + 2 + 3)) < 1e-5)
        losses.classification.labelSmoothing = 0.1
        #expect {
            _ = try step(losses)
        } throws: { error in
            (error as? TrainingError)?.message.contains("losses.classification is squared_hinge")
                == true
        }
    }

    /// A fully connected layer on 3 numbers an image.
    private static func softmax(_ method: any Method, seed: UInt64 = 5) throws -> Network {
        var plan = PlanBuilder(input: Shape(3, 1, 1))
        return try Network(plan.ended(PlanBuilder.input, classes: 3), method, seed: seed)
    }

    private static let inputs: [Double] = [
        0.5, -1, 0.25, 1, 0.75, -0.5, -0.25, 0.5, 1, -1, 0.125, 0,
    ]

    private static func optimizer(_ rate: Double) -> OptimizerConfiguration {
        var optimizer = OptimizerConfiguration()
        optimizer.learningRate = rate
        optimizer.momentum = 0
        optimizer.nesterov = false
        optimizer.weightDecay = 0
        return optimizer
    }

    /// The loss of softmax regression and its gradient, in plain Swift: weights [3, 3], then biases [3].
    private static func regression(_ x: [Double]) -> (loss: Double, gradient: [Double]) {
        var loss = 0.0
        var gradient = [Double](repeating: 0, count: 12)
        for (row, label) in labels.enumerated() {
            let input = inputs[3 * row..<3 * row + 3].map { $0 }
            let logits: [Double] = (0..<3).map { k in
                x[9 + k] + x[3 * k] * input[0] + x[3 * k + 1] * input[1] + x[3 * k + 2] * input[2]
            }
            let sum: Double = logits.map { exp($0) }.reduce(0, +)
            loss += (log(sum) - logits[Int(label)]) / 4
            for k in 0..<3 {
                let target: Double = k == Int(label) ? 1 : 0
                let error: Double = (exp(logits[k]) / sum - target) / 4
                for c in 0..<3 { gradient[3 * k + c] += error * input[c] }
                gradient[9 + k] += error
            }
        }
        return (loss, gradient)
    }

    private static func values(_ network: Network) throws -> [Double] {
        try network.store.trainable.flatMap { try $0.tensor.detached().doubles() }
    }

    @Test(arguments: [0.05, 100]) func `gradients are scaled to the norm that is allowed`(
        limit: Double
    ) throws {
        var losses = LossConfiguration()
        losses[FeatureLossSettings.self].theta = 0
        var optimizer = Self.optimizer(0.3)
        optimizer.gradientNorm = limit
        let network = try Self.softmax(FullPrecision())
        let step = try TrainingStep(network, losses: losses, optimizer: optimizer, device: .cpu)
        let before = try Self.values(network)
        _ = try step(
            images: Tensor(Self.inputs.map(Float.init), shape: [4, 3, 1, 1]),
            labels: Tensor(int64s: Self.labels, shape: [4]), factor: 1, progress: .start)
        let gradient = Self.regression(before).gradient
        let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(norm > 0.05 && norm < 100)
        let scale = min(1, limit / norm)
        for (now, (start, slope)) in zip(try Self.values(network), zip(before, gradient)) {
            #expect(abs(now - (start - 0.3 * scale * slope)) < 1e-5)
        }
    }

    @Test func `an update rule may evaluate twice: extragradient is its plain loop`() throws {
        var losses = LossConfiguration()
        losses[FeatureLossSettings.self].theta = 0
        let network = try Self.softmax(Extragradient())
        let step = try TrainingStep(
            network, losses: losses, optimizer: Self.optimizer(0.3), device: .cpu)
        let images = try Tensor(Self.inputs.map(Float.init), shape: [4, 3, 1, 1])
        let labels = try Tensor(int64s: Self.labels, shape: [4])
        var x = try Self.values(network)
        for index in 0..<20 {
            let factor = 1 / Double(index + 1)
            let (loss, gradient) = Self.regression(x)
            // As the rule below says: the prediction is longer from step to step.
            let reach = 0.5 + 0.25 * Double(index)
            let predicted = zip(x, gradient).map { $0 - reach * factor * $1 }
            x = zip(x, Self.regression(predicted).gradient).map { $0 - 0.3 * factor * $1 }
            let result = try step(
                images: images, labels: labels, factor: factor, progress: Self.progress)
            #expect(abs(result.losses.total - loss) < 1e-5, "step \(index)")
            let found = try Self.values(network)
            #expect(
                zip(found, x).allSatisfy { abs($0 - $1) < 1e-5 }, "step \(index): \(found) \(x)")
        }
        let start = Self.regression(try Self.values(Self.softmax(Extragradient()))).loss
        #expect(Self.regression(x).loss < 0.9 * start)
    }

    @Test func `what an update rule remembers goes on with the same bits`() throws {
        func step() throws -> TrainingStep {
            var optimizer = Self.optimizer(0.01)
            optimizer.name = .adam
            return try TrainingStep(
                try Self.softmax(Extragradient()), losses: LossConfiguration(),
                optimizer: optimizer, device: .cpu)
        }
        let images = try Tensor(Self.inputs.map(Float.init), shape: [4, 3, 1, 1])
        let labels = try Tensor(int64s: Self.labels, shape: [4])
        func run(_ step: TrainingStep, _ count: Int) throws {
            for _ in 0..<count {
                _ = try step(images: images, labels: labels, factor: 1, progress: Self.progress)
            }
        }
        let whole = try step()
        try run(whole, 10)
        let first = try step()
        try run(first, 4)
        var stored = try Checkpoint(
            recipe: TrainingConfiguration(), state: TrainingState(),
            tensors: try first.capture())
        #expect(stored.tensors["trainer/extragradient.reach"]?.shape == [])
        let second = try step()
        try second.restore(stored, source: "c")
        try run(second, 6)
        #expect(try second.capture() == whole.capture())
        stored.tensors["trainer/extragradient.reach"] = nil
        let found = message { try second.restore(stored, source: "c") }
        #expect(found?.hasPrefix("c: tensor extragradient.reach is missing") == true)
    }

    @Test func `rules change gradients before an update and parameters after it`() throws {
        let network = try Self.softmax(Halving())
        var losses = LossConfiguration()
        losses[FeatureLossSettings.self].theta = 0
        let step = try TrainingStep(
            network, losses: losses, optimizer: Self.optimizer(0.5), device: .cpu)
        let images = try Tensor(Self.inputs.map(Float.init), shape: [4, 3, 1, 1])
        let labels = try Tensor(int64s: Self.labels, shape: [4])
        var x = try Self.values(network)
        for _ in 0..<5 {
            // Half of each gradient, then no weight outside of 0.4.
            x = zip(x, Self.regression(x).gradient).map { min(0.4, max(-0.4, $0 - 0.25 * $1)) }
            _ = try step(images: images, labels: labels, factor: 1, progress: Self.progress)
            let found = try Self.values(network)
            #expect(zip(found, x).allSatisfy { abs($0 - $1) < 1e-5 }, "\(found) \(x)")
        }
    }

    @Test func `a loss of a method's own is a term, and is named where it is not finite`() throws {
        let network = try Self.softmax(Steep())
        var losses = LossConfiguration()
        losses[FeatureLossSettings.self].theta = 0
        let step = try TrainingStep(
            network, losses: losses, optimizer: Self.optimizer(0.5), device: .cpu)
        #expect(step.terms == ["cross_entropy", "kernel_loss", "feature_loss", "steep_loss"])
        let images = try Tensor(Self.inputs.map(Float.init), shape: [4, 3, 1, 1])
        let labels = try Tensor(int64s: Self.labels, shape: [4])
        let before = try Self.values(network)
        let result = try step(images: images, labels: labels, factor: 0, progress: Self.progress)
        let steep = try #require(result.losses["steep_loss"])
        #expect(abs(steep - 2 * before.prefix(9).reduce(0) { $0 + $1 * $1 }) < 1e-5)
        #expect(result.losses["kernel_loss"] == 0)
        let last = RunProgress(epoch: 7, epochs: 8)
        let found = message {
            _ = try step(images: images, labels: labels, factor: 1, progress: last)
        }
        #expect(found == "the steep loss is inf")
        #expect(try Self.values(network) == before)
    }
}

// Methods that are in no list: real networks, trained in ways of their own.

private protocol TestMethod: Method {}

extension TestMethod {
    static var card: MethodCard {
        MethodCard(
            name: "test", title: "", paper: "", widths: "32/32", reported: "", deployment: "")
    }
    var style: any BlockStyle { BONNBlock() }

    func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        try FullPrecision().kernel(scope, latent: latent)
    }

    func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer {
        try FullPrecision().activation(scope, channels: channels)
    }
}

/// w <- w - eta grad L(w - b grad L(w)), with a b that grows from step to step.
private struct Extragradient: TestMethod {
    struct Rule: UpdateRule {
        let reach: Parameter
        var state: [Parameter] { [reach] }

        init() throws(TorchError) {
            let scope = ParameterStore(seed: 0, device: .cpu).root / "extragradient"
            reach = try scope.parameter("reach", [], .constant(0.5), role: .buffer)
        }

        func callAsFunction(_ step: any UpdateStep) throws -> Evaluation {
            let first = try step.evaluate()
            let point = try step.parameters.map { try $0.tensor.detached().clone() }
            let reach = try self.reach.tensor.item()
            try withoutGradient {
                for parameter in step.parameters {
                    let gradient = try #require(parameter.tensor.grad)
                    try parameter.tensor.add_(gradient, scale: -reach * step.learningRateFactor)
                }
            }
            _ = try step.evaluate()
            try withoutGradient {
                for (parameter, value) in zip(step.parameters, point) {
                    try parameter.tensor.copy_(from: value)
                }
                try self.reach.tensor.fill_(reach + 0.25)
            }
            try step.update()
            return first
        }
    }

    func update(for network: Network) throws(TorchError) -> any UpdateRule { try Rule() }
}

/// Halves every gradient and keeps all parameters within 0.4.
private struct Halving: TestMethod {
    final class Rule: TrainingRule {
        let parameters: [Parameter]
        init(_ parameters: [Parameter]) { self.parameters = parameters }

        func gradientsReady(_ progress: RunProgress) throws(TorchError) {
            try withoutGradient { () throws(TorchError) in
                for parameter in parameters { try parameter.tensor.grad?.mul_(0.5) }
            }
        }

        func afterUpdate(_ progress: RunProgress) throws(TorchError) {
            try withoutGradient { () throws(TorchError) in
                for parameter in parameters { try parameter.tensor.clamp_(min: -0.4, max: 0.4) }
            }
        }
    }

    func rules(for network: Network) throws(TorchError) -> [any TrainingRule] {
        [Rule(network.store.trainable)]
    }
}

/// Twice the squares of the weights; infinite in the last of eight epochs.
private struct Steep: TestMethod {
    final class Loss: Objective {
        let name = "steep_loss"
        let weight: Parameter
        init(_ weight: Parameter) { self.weight = weight }

        func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
            let factor = pass.progress.epoch == 7 ? Double.infinity : 2
            return try weight.tensor.square().sum() * factor
        }
    }

    func objectives(for network: Network) throws(TorchError) -> [any Objective] {
        [Loss(network.store.trainable[0])]
    }
}
