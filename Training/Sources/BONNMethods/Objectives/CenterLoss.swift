public import BONNConfiguration
import BONNNetworks
public import Torch

/// What a recipe says of the center loss.
public struct CenterLossSettings: ObjectiveSettings {
    /// The name of the objective.
    public static let name = "center_loss"

    /// The keys.
    public static let keys: [Key<CenterLossSettings>] = [
        .number(
            "center", \.weight, in: 0...(.greatestFiniteMagnitude),
            "lambda, center loss (Wen 2016); 0: off"),
        .number("center_alpha", \.alpha, in: 0...1, "rate of the centers of the center loss"),
    ]

    /// Lambda: the weight of the loss.
    public var weight = 0.0
    /// The rate at which centers move.
    public var alpha = 0.5

    /// The defaults.
    public init() {}

    /// Creates settings.
    public init(weight: Double, alpha: Double = 0.5) {
        self.weight = weight
        self.alpha = alpha
    }

    /// The loss of what the last layer reads.
    public func objective(for network: Network) throws(TorchError) -> (any Objective)? {
        guard weight > 0 else { return nil }
        return try CenterLoss(
            self, classes: network.plan.classes, features: network.plan.featureCount,
            device: network.store.device)
    }
}

/// Center loss (Wen et al., A Discriminative Feature Learning Approach for Deep Face Recognition, ECCV 2016):
/// features of a class lie near its center, methods.md 2.16,
///
///     lambda / 2 * mean over the batch of |f_i - c_{y_i}|^2;  centers move as `ClassCenters` says, from 0 on
///
/// The paper sums this and the cross-entropy over the batch; the means of both, which also the authors' layer
/// has, stand in the same ratio. What the authors' layer does otherwise is not here: its centers start from
/// Xavier's distribution and their shift goes through the solver, with its learning rate, momentum 0.9 and decay.
/// Rates of that layer thus are smaller than an alpha by the gain of the momentum, 10.
///
/// alpha is 0.5 as in two re-implementations ([C]). Lambda is 0.003 for faces ([M]), 0.008 and 0.01 in the
/// authors' examples of faces and digits.
///
/// Reported: LFW 99.28 %, YTF 94.9 % from 0.7 M images.
public final class CenterLoss: Objective {
    private let settings: CenterLossSettings
    private let centers: ClassCenters

    /// Creates the loss with centers 0.
    public init(
        _ settings: CenterLossSettings, classes: Int, features: Int, device: Device = .cpu
    ) throws(TorchError) {
        self.settings = settings
        let scope = ParameterStore(seed: 0, device: device).root / CenterLossSettings.name
        centers = ClassCenters(
            parameter: try scope.parameter(
                "centers", [classes, features], .constant(0), role: .buffer))
    }

    /// Its column.
    public var name: String { CenterLossSettings.name }

    /// The centers.
    public var parameters: [Parameter] { [centers.parameter] }

    /// The mean over the batch.
    public func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
        let offsets = try centers.offsets(pass.output.features, labels: pass.labels)
        return try (settings.weight / 2) * offsets.square().sum([1]).mean()
    }

    /// Moves the centers.
    public func afterUpdate(_ pass: ForwardPass) throws(TorchError) {
        try centers.follow(pass.output.features, labels: pass.labels, rate: settings.alpha)
    }
}
