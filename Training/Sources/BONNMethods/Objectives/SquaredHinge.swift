import Torch

/// The squared hinge loss of the logits x against targets t = +1 for the class of an image and -1 for the others:
///
///     sum over images of w[y] / K sum over k of max(0, 1 - t[k] x[k])^2, over the sum of w[y],
///
/// times its weight, with class weights w. That it is a mean over the classes too is the authors' code of
/// BinaryConnect and BNN, [M].
final class SquaredHinge: Objective {
    let name = ClassificationLoss.squaredHinge.rawValue
    private let weight: Double
    private let weights: Tensor?

    /// - Parameters:
    ///   - weight: of the term; 0: it does not act.
    ///   - weights: w, `[K]`; nil: all the same.
    init(weight: Double, weights: Tensor?) {
        self.weight = weight
        self.weights = weights
    }

    func acts(at progress: RunProgress) -> Bool { weight > 0 }

    func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
        try Self.loss(of: pass.output.logits, pass.labels, weights: weights) * weight
    }

    /// - Parameters:
    ///   - logits: `[N, K]`.
    ///   - labels: `[N]`, int64.
    ///   - weights: `[K]`.
    static func loss(
        of logits: Tensor, _ labels: Tensor, weights: Tensor?
    ) throws(TorchError) -> Tensor {
        let classes = try Tensor(
            (0..<logits.shape[1]).map(Float.init), shape: [1, logits.shape[1]])
        let own = try labels.to(.float32).unsqueeze(1).eq(classes.to(logits.device))
        let targets = try own.to(.float32) * 2.0 - 1.0
        let perImage = try (1.0 - logits * targets).relu().square().mean([1])
        guard let weights else { return try perImage.mean() }
        let counts = try weights.indexSelect(dim: 0, labels)
        return try (perImage * counts).sum() / counts.sum()
    }
}
