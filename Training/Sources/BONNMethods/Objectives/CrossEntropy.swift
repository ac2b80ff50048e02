public import BONNConfiguration
public import Torch

/// What a recipe says of the cross-entropy.
public struct CrossEntropySettings: Sendable, Equatable {
    /// The share of each target that is spread evenly over all classes.
    public var labelSmoothing = 0.0
    /// How much each class counts in training.
    public var classWeights = ClassWeights.none

    /// The defaults.
    public init() {}

    /// The keys, which stand in the section `losses` of a recipe.
    public static let keys: [Key<CrossEntropySettings>] = [
        .number("label_smoothing", \.labelSmoothing, in: 0...0.999, "of cross-entropy"),
        .classWeights(
            "class_weights", \.classWeights,
            "of cross-entropy: none, balanced (N / (K n_k) for n_k of N images in K classes), a list"
        ),
    ]
}

/// The cross-entropy of the logits, the term that every run has:
///
///     sum of w[y] (1 - e) l(y) + e / K sum over k of w[k] l(k), over the sum of w[y],
///
/// with label smoothing e, class weights w and l(k) = -log softmax(logits)[k].
public final class CrossEntropy: Objective {
    /// Its column.
    public static let name = "cross_entropy"

    private let labelSmoothing: Double
    private let weights: Tensor?

    /// Creates the objective.
    ///
    /// - Parameters:
    ///   - labelSmoothing: e.
    ///   - weights: w, one for each class; nil: all the same.
    public init(
        labelSmoothing: Double = 0, weights: [Double]? = nil, device: Device = .cpu
    ) throws(TorchError) {
        self.labelSmoothing = labelSmoothing
        if let weights {
            self.weights = try Tensor(
                weights.map(Float.init), shape: [weights.count], device: device)
        } else {
            self.weights = nil
        }
    }

    /// Its column.
    public var name: String { Self.name }

    /// In messages.
    public var title: String { "cross-entropy" }

    /// The mean over the batch.
    public func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
        try pass.output.logits.crossEntropy(
            pass.labels, weights: weights, labelSmoothing: labelSmoothing)
    }
}
