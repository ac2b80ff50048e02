public import BONNMethods
import BONNNetworks
public import Torch

/// One step: forward, the three losses, backward, update. Holds what the step reads and changes.
public final class TrainingStep {
    /// What one step found.
    public struct Result {
        /// The weighted terms of the loss.
        public let losses: LossValues
        /// `[N, K]`, before the update.
        public let logits: Tensor
    }

    /// The network that is trained.
    public let network: Network
    /// The feature loss; nil when theta is 0.
    public let featureLoss: BayesianFeatureLoss?
    private let kernelLoss: BayesianKernelLoss?
    private let labelSmoothing: Double
    private let classWeights: Tensor?
    private let optimiser: any Optimiser

    /// Creates the losses and the optimiser of a network.
    ///
    /// - Parameter classWeights: of each class in the cross-entropy; nil: all the same.
    /// - Throws: `.configuration` for a contradiction, `TorchError` when the device refuses.
    public init(
        _ network: Network, losses: LossConfiguration, classWeights: [Double]? = nil,
        optimizer: OptimizerConfiguration, device: Device
    ) throws {
        self.network = network
        self.classWeights = try classWeights.map {
            try Tensor($0.map(Float.init), shape: [$0.count], device: device)
        }
        labelSmoothing = losses.labelSmoothing
        kernelLoss =
            losses.kernel > 0 && network.quantizedLayers.contains { $0.quantizer is BONNKernel }
            ? BayesianKernelLoss(lambda: losses.kernel, nu: losses.nu) : nil
        featureLoss =
            losses.feature > 0
            ? try BayesianFeatureLoss(
                classes: network.plan.classes, features: network.plan.featureCount,
                theta: losses.feature, centreRate: losses.centerRate, device: device) : nil
        optimiser = try optimizer.optimiser(
            for: network.store.parameters + (featureLoss?.store.parameters ?? []),
            kernelLossActs: kernelLoss != nil)
    }

    /// Takes one step.
    ///
    /// - Parameters:
    ///   - images: `[N, C, H, W]`.
    ///   - labels: `[N]`, int64.
    ///   - factor: what the schedule multiplies the learning rates by.
    ///   - featureLossActs: whether this step belongs to the fine-tuning phase.
    /// - Throws: `.notFinite`, before anything is changed, when a term of the loss is NaN or
    ///   infinite; the message names the term. `TorchError` when an operation fails.
    public func callAsFunction(
        images: Tensor, labels: Tensor, factor: Double, featureLossActs: Bool
    ) throws -> Result {
        try optimiser.zeroGradients()
        let output = try network(images, .training)
        let crossEntropy = try output.logits.crossEntropy(
            labels, weights: classWeights, labelSmoothing: labelSmoothing)
        var total = crossEntropy
        var kernels: [Tensor] = []
        if let kernelLoss {
            for layer in network.quantizedLayers {
                guard let kernel = layer.quantizer as? BONNKernel else { continue }
                kernels.append(try kernelLoss(layer.latent.tensor, kernel))
            }
        }
        let kernel = kernels.isEmpty ? nil : try Tensor.stack(kernels).sum()
        if let kernel { total = try total + kernel }
        let feature = featureLossActs ? try featureLoss?(output.features, labels: labels) : nil
        if let feature { total = try total + feature }
        let losses = LossValues(
            crossEntropy: try crossEntropy.item(), kernel: try kernel?.item() ?? 0,
            feature: try feature?.item() ?? 0)
        guard losses.total.isFinite else { throw try notFinite(losses, kernels: kernels) }
        try total.backward()
        optimiser.learningRateFactor = factor
        try optimiser.step()
        try network.constrain()
        if featureLossActs { try featureLoss?.updateCentres(output.features, labels: labels) }
        return Result(losses: losses, logits: try output.logits.detached())
    }

    /// The optimiser's state by name, for a checkpoint.
    func optimiserState() throws(TorchError) -> [String: Tensor] { try optimiser.state() }

    /// Puts back what `optimiserState` gave.
    func restoreOptimiser(_ state: [String: Tensor]) throws(TorchError) {
        try optimiser.loadState(state)
    }

    /// Names the first term that is not finite and, where a parameter is the cause, that one: a
    /// step can turn a finite loss into weights that are not.
    private func notFinite(_ losses: LossValues, kernels: [Tensor]) throws -> TrainingError {
        var terms: [String] = []
        if !losses.crossEntropy.isFinite {
            terms.append("the cross-entropy is \(losses.crossEntropy)")
        }
        for (layer, term) in zip(network.quantizedLayers, kernels) where terms.isEmpty {
            let value = try term.item()
            if !value.isFinite { terms.append("the kernel loss of \(layer.name) is \(value)") }
        }
        if terms.isEmpty && !losses.feature.isFinite {
            terms.append("the feature loss is \(losses.feature)")
        }
        let term = terms.first ?? "the sum of the losses is \(losses.total)"
        let damaged = try network.store.parameters.first {
            try !$0.tensor.detached().allFinite()
        }
        return TrainingError(
            .notFinite,
            term + (damaged.map { " (\($0.name) is not finite since the step before)" } ?? ""))
    }
}
