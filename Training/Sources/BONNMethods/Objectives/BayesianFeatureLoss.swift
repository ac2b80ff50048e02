public import BONNConfiguration
import BONNNetworks
public import Torch

/// What a recipe says of the Bayesian feature loss.
///
/// It is "only used in the fine-tuning process" (section 4.1 of the paper). So a run has two phases: first
/// without it and then, for the last share of the epochs and from the learning rate that the schedule has
/// reached by then, with it.
public struct FeatureLossSettings: ObjectiveSettings {
    /// The name of the objective.
    public static let name = "feature_loss"

    /// The keys.
    public static let keys: [Key<FeatureLossSettings>] = [
        .number(
            "feature", \.theta, in: 0...(.greatestFiniteMagnitude), "theta, Bayesian feature loss"),
        .number(
            "fine_tuning_fraction", \.fineTuningFraction, in: 0...1,
            "share of the epochs, at the end, in which the feature loss acts"),
        .number("center_rate", \.centerRate, in: 0...1, "rate of center updates"),
    ]

    /// Theta: the weight of the loss while fine-tuning (equation 9).
    public var theta = 1e-3
    /// The share of the epochs, at the end, in which the loss acts: one epoch at least, unless it is 0.
    public var fineTuningFraction = 0.25
    /// The rate at which centers move (center loss).
    public var centerRate = 0.5

    /// The defaults.
    public init() {}

    /// Creates settings.
    public init(theta: Double, fineTuningFraction: Double = 0.25, centerRate: Double = 0.5) {
        self.theta = theta
        self.fineTuningFraction = fineTuningFraction
        self.centerRate = centerRate
    }

    /// The loss of what the last layer reads.
    public func objective(for network: Network) throws(TorchError) -> (any Objective)? {
        guard theta > 0 else { return nil }
        return try BayesianFeatureLoss(
            self, classes: network.plan.classes, features: network.plan.featureCount,
            device: network.store.device)
    }

    /// Whether an epoch is one of the share.
    func finetunes(at progress: RunProgress) -> Bool {
        guard fineTuningFraction > 0 else { return false }
        let share = Int((Double(progress.epochs) * fineTuningFraction).rounded())
        return progress.epoch >= progress.epochs - max(1, share)
    }
}

/// The Bayesian feature loss (BONN, equation 8): features of a class are Gaussian around its center,
///
///     theta / 2 * mean over the batch of sum_k [ d_k^2 + d_k^2 / s_mk^2 + log s_mk^2 ],  d = f - c_m.
///
/// Variances are kept as rho = log s^2, limited to [-6, 6]. Centers and variances start as those of the
/// classes in a pass over the training images. Centers move by the center-loss rule (Wen et al., ECCV 2016),
/// not by a gradient.
public final class BayesianFeatureLoss: Objective {
    /// c, `[classes, D]`.
    public let centers: Parameter
    /// rho = log s^2, `[classes, D]`.
    public let logVariance: Parameter

    private let settings: FeatureLossSettings
    private var classes: ClassCenters { ClassCenters(parameter: centers) }
    private static let logVarianceLimit = 6.0

    /// Creates the loss with centers 0 and variances 1; `start` sets both from data.
    public init(
        _ settings: FeatureLossSettings, classes: Int, features: Int, device: Device = .cpu
    ) throws(TorchError) {
        self.settings = settings
        let scope = ParameterStore(seed: 0, device: device).root / FeatureLossSettings.name
        centers = try scope.parameter(
            "centres", [classes, features], .constant(0), role: .buffer)
        logVariance = try scope.parameter(
            "log_variance", [classes, features], .constant(0), role: .featureVariance)
    }

    /// Its column.
    public var name: String { FeatureLossSettings.name }

    /// Centers and variances.
    public var parameters: [Parameter] { [centers, logVariance] }

    /// Where the classes are.
    public var startsFromFeatures: Bool { true }

    /// While fine-tuning.
    public func acts(at progress: RunProgress) -> Bool { settings.finetunes(at: progress) }

    /// The mean over the batch.
    public func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
        try self(pass.output.features, labels: pass.labels)
    }

    /// `features` [N, D], `labels` [N] int64. A scalar.
    public func callAsFunction(_ features: Tensor, labels: Tensor) throws(TorchError) -> Tensor {
        let limit = Self.logVarianceLimit
        let rho = try logVariance.tensor.clamp(min: -limit, max: limit).indexSelect(dim: 0, labels)
        let offset = try classes.offsets(features, labels: labels)
        let squares = try offset * offset
        return try (settings.theta / 2) * (squares + squares * (-rho).exp() + rho).sum([1]).mean()
    }

    /// Moves the centers.
    public func afterUpdate(_ pass: ForwardPass) throws(TorchError) {
        try updateCenters(pass.output.features, labels: pass.labels)
    }

    /// Moves the centers of the classes in the batch, as `ClassCenters` says.
    public func updateCenters(_ features: Tensor, labels: Tensor) throws(TorchError) {
        try classes.follow(features, labels: labels, rate: settings.centerRate)
    }

    /// Sets centers to class means and variances to per-class variances of all `features` [N, D];
    /// a class without images keeps center 0 and variance 1.
    public func start(features: Tensor, labels: Tensor) throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            let members = try classes.membership(labels)
            let counts = try members.sum([1], keep: true)
            let divisor = try counts.clamp(min: 1)
            let values = try features.detached()
            let means = try members.matmul(values) / divisor
            // Squared distances from the own class's mean: no cancellation of large means.
            let offsets = try values - means.indexSelect(dim: 0, labels)
            let variances = try members.matmul(offsets * offsets) / divisor
            let limit = Self.logVarianceLimit
            let rho = try variances.clamp(min: 1e-12).log().clamp(min: -limit, max: limit)
            let present = try counts.gt(0).to(.float32)
            try centers.tensor.copy_(from: means)
            try logVariance.tensor.copy_(from: rho * present)
        }
    }
}
