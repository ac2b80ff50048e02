import BONNMethods
import BONNModelFormat
import BONNNetworks
import Foundation
import Testing
import Torch

@testable import BONNTrainer

/// Whole runs of a method that brings a loss, a rule and an update of its own, all of which remember something.
@Suite struct OwnTrainingTests {
    private let folder = TemporaryFolder()

    /// Trains on from what is in a folder.
    private func train(_ name: String, stopAfter steps: Int = .max) throws -> TrainingOutcome {
        let directory = try RunDirectory(folder.path + "/" + name)
        let configuration = smallConfiguration { $0.model.method.value = Attentive() }
        var checkpoint: Checkpoint?
        if directory.holdsRun {
            checkpoint = try Checkpoint(path: directory.lastPath)
            // The method is in no list: its name, which is that of another one, stands for that.
            checkpoint?.configuration.model.method = configuration.model.method
        }
        let stop = StopRequest()
        var taken = 0
        return try Trainer(
            configuration: configuration, splits: ColourDataset.splits(), directory: directory,
            resuming: checkpoint,
            observers: [
                { event, _ in
                    guard case .step = event else { return }
                    taken += 1
                    if taken == steps { stop.request() }
                }
            ]
        ).run(stop: stop)
    }

    private func tensors(_ name: String) throws -> [Name: [UInt8]] {
        try Checkpoint(path: folder.path + "/\(name)/last.safetensors").tensors.mapValues(\.bytes)
    }

    @Test func `a method's own loss, rule and update go on with the same bits`() throws {
        let whole = try train("whole")
        let reference = try tensors("whole")
        // 1 + 2 + 3: once an epoch.
        let begun = try #require(reference["trainer/attentive.begun"])
        #expect(begun.withUnsafeBytes { $0.loadUnaligned(as: Float.self) } == 6)
        #expect(reference["optimizer/attentive.gain.exp_avg"] != nil)
        let terms = ["cross_entropy", "kernel_loss", "feature_loss", "attentive_loss"]
        #expect(whole.metrics.allSatisfy { $0.losses.names == terms })
        // Acts from the second epoch on.
        #expect(whole.metrics.map { $0.losses["attentive_loss"] != 0 } == [false, true, true])
        let table = try String(contentsOfFile: folder.path + "/whole/metrics.csv", encoding: .utf8)
        #expect(table.contains(",feature_loss,attentive_loss,train_top1,"))
        for steps in 1...8 {
            let name = "stopped-\(steps)"
            #expect(try !train(name, stopAfter: steps).isFinished)
            let resumed = try train(name)
            #expect(resumed.metrics.map(\.losses) == whole.metrics.map(\.losses))
            #expect(try tensors(name) == reference, "stopped after \(steps) steps")
        }
    }
}

/// A network in full precision, and training that looks twice and looks back.
private struct Attentive: Method {
    static let card = FullPrecision.card
    var style: any BlockStyle { BONNBlock(dropout: 0.1) }

    func adapt(_ plan: NetworkPlan) -> NetworkPlan { plan.inFullPrecision() }

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

    func objectives(for network: Network) throws(TorchError) -> [any Objective] {
        [try Loss(features: network.plan.featureCount)]
    }

    func rules(for network: Network) throws(TorchError) -> [any TrainingRule] {
        [try Rule(network.store.trainable)]
    }

    func update(for network: Network) throws(TorchError) -> any UpdateRule { try Update() }

    private static func parameter(
        _ name: String, _ shape: [Int], _ value: Double, _ role: ParameterRole
    ) throws(TorchError) -> Parameter {
        let scope = ParameterStore(seed: 0, device: .cpu).root / "attentive"
        return try scope.parameter(name, shape, .constant(value), role: role)
    }

    /// The mean of (gain f - m)^2, with m the mean of the features of all training images at the start.
    final class Loss: Objective {
        let name = "attentive_loss"
        let startsFromFeatures = true
        let gain: Parameter
        let mean: Parameter

        var parameters: [Parameter] { [gain, mean] }

        init(features: Int) throws(TorchError) {
            gain = try Attentive.parameter("gain", [], 2, .gain)
            mean = try Attentive.parameter("mean", [features], 0, .buffer)
        }

        func start(features: Tensor, labels: Tensor) throws(TorchError) {
            try withoutGradient { () throws(TorchError) in
                try mean.tensor.copy_(from: features.mean([0]))
            }
        }

        func acts(at progress: RunProgress) -> Bool { progress.epoch >= 1 }

        func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
            try (gain.tensor * pass.output.features - mean.tensor).square().mean()
        }
    }

    /// Gradients become shorter with each epoch.
    final class Rule: TrainingRule {
        let parameters: [Parameter]
        let begun: Parameter

        var state: [Parameter] { [begun] }

        init(_ parameters: [Parameter]) throws(TorchError) {
            self.parameters = parameters
            begun = try Attentive.parameter("begun", [], 0, .buffer)
        }

        func beginEpoch(_ progress: RunProgress) throws(TorchError) {
            try withoutGradient { () throws(TorchError) in
                try begun.tensor.copy_(from: begun.tensor + Double(progress.epoch + 1))
            }
        }

        func gradientsReady(_ progress: RunProgress) throws(TorchError) {
            let factor = 1 / (1 + (try begun.tensor.item()))
            try withoutGradient { () throws(TorchError) in
                for parameter in parameters { try parameter.tensor.grad?.mul_(factor) }
            }
        }
    }

    /// Every other step evaluates twice.
    struct Update: UpdateRule {
        let isOdd: Parameter

        var state: [Parameter] { [isOdd] }

        init() throws(TorchError) { isOdd = try Attentive.parameter("odd", [], 0, .buffer) }

        func callAsFunction(_ step: any UpdateStep) throws -> Evaluation {
            let first = try step.evaluate()
            let odd = try isOdd.tensor.item()
            if odd == 1 { _ = try step.evaluate() }
            try step.update()
            try withoutGradient { try isOdd.tensor.fill_(1 - odd) }
            return first
        }
    }
}
