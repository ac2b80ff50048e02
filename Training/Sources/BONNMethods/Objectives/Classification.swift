public import BONNConfiguration
public import Torch

/// What makes logits fit labels in training.
public enum ClassificationLoss: String, Sendable, CaseIterable {
    /// The cross-entropy.
    case crossEntropy = "cross_entropy"
    /// The squared hinge loss, with which BinaryConnect and BNN were trained.
    case squaredHinge = "squared_hinge"
}

/// What a recipe says of the term that every run has: how logits are compared with labels.
public struct ClassificationSettings: Sendable, Equatable {
    /// Its weight.
    public var weight = 1.0
    /// By which loss.
    public var loss = ClassificationLoss.crossEntropy
    /// The share of each target that is spread evenly over all classes.
    public var labelSmoothing = 0.0
    /// How much each class counts in training.
    public var classWeights = ClassWeights.none

    /// The defaults.
    public init() {}

    /// The keys, which stand in the section `losses` of a recipe.
    public static let keys: [Key<ClassificationSettings>] = [
        .choice("classification", \.loss, "how logits are compared with labels in training"),
        .number(
            "cross_entropy", \.weight, in: 0...(.greatestFiniteMagnitude),
            "weight of the cross-entropy, or the squared hinge; 0: another loss has to stand for it"
        ),
        .number("label_smoothing", \.labelSmoothing, in: 0...0.999, "of cross-entropy"),
        .classWeights(
            "class_weights", \.classWeights,
            "of images: none, balanced (N / (K n_k) for n_k of N images in K classes), a list"),
    ]

    /// The term.
    ///
    /// - Parameter weights: of each class; nil: all the same.
    public func objective(
        weights: [Double]?, device: Device
    ) throws(TorchError) -> any Objective {
        var tensor: Tensor?
        if let weights {
            tensor = try Tensor(weights.map(Float.init), shape: [weights.count], device: device)
        }
        return switch loss {
        case .crossEntropy:
            CrossEntropy(weight: weight, labelSmoothing: labelSmoothing, weights: tensor)
        case .squaredHinge: SquaredHinge(weight: weight, weights: tensor)
        }
    }
}
