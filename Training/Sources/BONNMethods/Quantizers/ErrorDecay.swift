import Foundation
import Torch

/// The error decay estimator of IR-Net (Qin et al., CVPR 2020): sign with the gradient
///
///     g'(x) = k t (1 - tanh^2(t x)),  k = max(1/t, 1),
///
/// that of the identity at first and nearly that of the sign in the end: log t grows evenly with the epochs,
/// from `start` to 10.
struct ErrorDecay {
    /// t in the first epoch.
    let start: Double

    /// t at the end.
    static let end = 10.0

    /// t of an epoch.
    func sharpness(at progress: RunProgress) -> Double {
        exp(log(start) + progress.share * (log(Self.end) - log(start)))
    }

    /// sign(x).
    func sign(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
        let t = sharpness(at: pass.progress)
        return try straightThrough(
            signOrPlusOne(x), gradientOf: (x * t).tanh() * max(1 / t, 1))
    }
}
