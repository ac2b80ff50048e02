public import BONNConfiguration
import BONNMethods

/// The weights of the loss terms.
public struct LossConfiguration: Sendable, Equatable {
    /// Lambda: the weight of the Bayesian kernel loss (equation 9).
    public var kernel = 1e-4
    /// Theta: the weight of the Bayesian feature loss while fine-tuning (equation 9).
    public var feature = 1e-3
    /// Nu: the variance of the binarisation error (equation 5).
    public var nu = 1e-4
    /// The share of the epochs, at the end, in which the feature loss acts.
    public var fineTuningFraction = 0.25
    /// The rate of the centre updates (center loss).
    public var centerRate = 0.5
    /// Label smoothing of the cross-entropy.
    public var labelSmoothing = 0.0
    /// How much each class counts in the cross-entropy of training.
    public var classWeights = ClassWeights.none

    /// The defaults.
    public init() {}

    /// What the objectives beside the cross-entropy are made from.
    var objectives: [any ObjectiveSettings] {
        [
            KernelLossSettings(lambda: kernel, nu: nu),
            FeatureLossSettings(
                theta: feature, fineTuningFraction: fineTuningFraction, centerRate: centerRate),
        ]
    }
}

extension LossConfiguration {
    /// Its keys.
    public static let keys: [Key<LossConfiguration>] = [
        .number(
            "kernel", \.kernel, in: 0...(.greatestFiniteMagnitude), "lambda, Bayesian kernel loss"),
        .number(
            "feature", \.feature, in: 0...(.greatestFiniteMagnitude), "theta, Bayesian feature loss"
        ),
        .number(
            "nu", \.nu, in: 0...(.greatestFiniteMagnitude), "nu, variance of the quantisation error"
        ),
        .number(
            "fine_tuning_fraction", \.fineTuningFraction, in: 0...1,
            "share of the epochs, at the end, in which the feature loss acts"),
        .number("center_rate", \.centerRate, in: 0...1, "rate of centre updates"),
        .number(
            "label_smoothing", \.labelSmoothing, in: 0...0.999, "of cross-entropy"),
        .classWeights(
            "class_weights", \.classWeights,
            "of cross-entropy: none, balanced (N / (K n_k) for n_k of N images in K classes), a list"
        ),
    ]
}
