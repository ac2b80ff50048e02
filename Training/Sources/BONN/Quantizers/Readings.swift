// The readings of the paper between which a recipe chooses. Plain values: nothing here computes.

/// The readings of the scale w, on which the paper's equations and its algorithm differ.
public enum ScaleReading: String, Sendable, Codable, CaseIterable {
    /// Xhat = wbar sign(X): Algorithm 1, and what the released weights show. The default.
    case multiply = "A"
    /// Xhat = sign(X), output divided by wbar: equation 1 taken literally (w is about 1 / mean|X|).
    case divide = "B"
    /// As A, with the quantisation term |wbar sign(X) - X|^2: the intent of the prose.
    case reconstruct = "C"
}

/// The gradient that reaches the scale vector w.
public enum ScaleGradient: String, Sendable, Codable, CaseIterable {
    /// Equation 15 as printed: the derivative of clip(w o X).
    case printed
    /// The derivative of the forward pass with respect to w.
    case exact = "true"
}

/// The estimator of the slope of sign(x), by which gradients pass an activation's binarisation.
public enum ActivationEstimator: String, Sendable, Codable, CaseIterable {
    /// (2 - 2|x|) for |x| < 1, else 0 (Bi-Real Net, ECCV 2018).
    case polynomial
    /// 1 for |x| <= 1, else 0: the slope of hardtanh (BNN, 2016).
    case clip
}
