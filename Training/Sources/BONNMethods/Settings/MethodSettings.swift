// The choices that recipes have of methods. No tensor here: whoever reads a recipe needs no LibTorch.

/// The slope of sign(x) by which gradients pass: of a function that takes the sign's place in backward.
public enum Slope: String, Sendable, Codable, CaseIterable {
    /// (2 - 2|x|) for |x| < 1, else 0: of the piecewise polynomial of Bi-Real Net (ECCV 2018).
    case polynomial
    /// 1 for |x| <= 1, else 0: of hardtanh (BNN, 2016).
    case clip
    /// 1 everywhere (BinaryConnect, 2015).
    case identity
}

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

/// Whose backward pass of XNOR-Net is taken.
public enum XNORSource: String, Sendable, Codable, CaseIterable {
    /// g (1/n + alpha 1{|W| <= 1}), the paper's equation for a filter of n weights.
    case paper
    /// The authors' code: filters are centered over their input channels and clipped to [-1, 1] before
    /// each pass, and the gradient is g (1/n + alpha 1{|W| < 1}) (1 - 1/Cin) n.
    case code
}

/// What stands behind activation quantizers.
public enum LatentWeights: String, Sendable, Codable, CaseIterable {
    /// What the method makes of latent weights.
    case quantized
    /// Real weights: the first of two stages, binary activations first (Real-to-Binary, ReActNet).
    case real
}
