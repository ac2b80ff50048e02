public import BONNConfiguration
public import Torch

/// What a recipe says of the cross-entropy.
public struct CrossEntropySettings: Sendable, Equatable {
    /// Its weight.
    public var weight = 1.0
    /// The share of each target that is spread evenly over all classes.
    public var labelSmoothing = 0.0
    /// How much each class counts in training.
    public var classWeights = ClassWeights.none

    /// The defaults.
    public init() {}

    /// The keys, which stand in the section `losses` of a recipe.
    public static let keys: [Key<CrossEntropySettings>] = [
        .number(
            "cross_entropy", \.weight, in: 0...(.greatestFiniteMagnitude),
            "weight of the cross-entropy; 0: another loss has to stand for it"),
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
/// times its weight, with label smoothing e, class weights w and l(k) = -log softmax(logits)[k].
public final class CrossEntropy: Objective {
    /// Its column.
    public static let name = "cross_entropy"

    private let weight: Double
    private let labelSmoothing: Double
    private let weights: Tensor?

    /// Creates the objective.
    ///
    /// - Parameters:
    ///   - weight: of the term; 0: it does not act.
    ///   - labelSmoothing: e.
    ///   - weights: w, one for each class; nil: all the same.
    public init(
        weight: Double = 1, labelSmoothing: Double = 0, weights: [Double]? = nil,
        device: Device = .cpu
    ) throws(TorchError) {
        self.weight = weight
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

    /// Wherever it has a weight.
    public func acts(at progress: RunProgress) -> Bool { weight > 0 }

    /// The mean over the batch.
    public func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
        let loss = try pass.output.logits.crossEntropy(
            pass.labels, weights: weights, labelSmoothing: labelSmoothing)
        return weight == 1 ? loss : try loss * weight
    }
}
