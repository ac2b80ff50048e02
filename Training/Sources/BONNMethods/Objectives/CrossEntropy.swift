public import Torch

/// The cross-entropy of the logits:
///
///     sum of w[y] (1 - e) l(y) + e / K sum over k of w[k] l(k), over the sum of w[y],
///
/// times its weight, with label smoothing e, class weights w and l(k) = -log softmax(logits)[k].
public final class CrossEntropy: Objective {
    /// Its column.
    public static let name = ClassificationLoss.crossEntropy.rawValue

    private let weight: Double
    private let labelSmoothing: Double
    private let weights: Tensor?

    /// Creates the objective.
    ///
    /// - Parameters:
    ///   - weight: of the term; 0: it does not act.
    ///   - labelSmoothing: e.
    ///   - weights: w, `[K]`; nil: all the same.
    public init(weight: Double = 1, labelSmoothing: Double = 0, weights: Tensor? = nil) {
        self.weight = weight
        self.labelSmoothing = labelSmoothing
        self.weights = weights
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
