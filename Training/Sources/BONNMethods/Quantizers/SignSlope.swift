public import BONNConfiguration
import Foundation
import Torch

/// How gradients pass a sign: a shape over a window v, which may narrow from epoch to epoch,
///
///     g(x) = max(1, 1/v) shape(x / v).
///
/// A window above 1 keeps the peak of the shape, one below 1 its area. log v grows evenly with the epochs. The error
/// decay estimator of IR-Net (Qin et al., CVPR 2020), k t (1 - tanh^2(t x)) with k = max(1/t, 1), is the tanh with
/// v = 1/t.
public struct SignSlope: Sendable, Equatable {
    /// The shape over a window of 1.
    public var shape: Slope
    /// v in the first epoch.
    public var window: Double
    /// v at the end; nil: as in the first epoch.
    public var finalWindow: Double?

    /// The keys of a method that leaves the slope to its recipe.
    public static let keys: [Key<SignSlope>] = [
        .choice("slope", \.shape, "gradient of the sign of activations")
            .formerly("model.activation_estimator"),
        .number("slope_window", \.window, in: 1e-3...1e6, "what the slope is stretched to"),
        .optionalNumber(
            "slope_final_window", \.finalWindow, in: 1e-3...1e6,
            "the same at the end of the epochs; null: it stays"),
    ]

    /// Creates a slope.
    public init(_ shape: Slope, window: Double = 1, finalWindow: Double? = nil) {
        self.shape = shape
        self.window = window
        self.finalWindow = finalWindow
    }

    /// Bi-Real Net's.
    public static let polynomial = SignSlope(.polynomial)
    /// Hardtanh's.
    public static let clip = SignSlope(.clip)

    /// IR-Net's, from t to 10.
    static func errorDecay(from t: Double) -> SignSlope {
        SignSlope(.tanh, window: 1 / t, finalWindow: 0.1)
    }

    /// v in an epoch.
    func window(at progress: RunProgress) -> Double {
        guard let finalWindow else { return window }
        return exp(log(window) + progress.share * (log(finalWindow) - log(window)))
    }

    /// sign(x), by the definition.
    func sign(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
        try straightThrough(signOrPlusOne(x), gradientOf: surrogate(x, pass))
    }

    /// The function that has this slope.
    func surrogate(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
        let v = window(at: pass.progress)
        return v == 1 ? try shape.surrogate(x) : try shape.surrogate(x * (1 / v)) * max(v, 1)
    }
}
