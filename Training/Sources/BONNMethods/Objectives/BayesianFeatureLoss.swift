public import Torch

/// The Bayesian feature loss (BONN, equation 8): features of a class are Gaussian around its centre,
///
///     theta / 2 * mean over the batch of sum_k [ d_k^2 + d_k^2 / s_mk^2 + log s_mk^2 ],  d = f - c_m.
///
/// Variances are kept as rho = log s^2, limited to [-6, 6]. Centres move by the center-loss rule
/// (Wen et al., ECCV 2016), not by a gradient; they are used only in the fine-tuning phase.
public final class BayesianFeatureLoss {
    /// The weight of the loss.
    public let theta: Double
    /// Step of the centres.
    public let centreRate: Double
    /// c, `[classes, D]`.
    public let centres: Parameter
    /// rho = log s^2, `[classes, D]`.
    public let logVariance: Parameter
    /// The parameters above, named `feature_loss.*`.
    public let store: ParameterStore

    private static let logVarianceLimit = 6.0

    /// Creates the loss with centres 0 and variances 1; `initialise` sets both from data.
    public init(
        classes: Int, features: Int, theta: Double, centreRate: Double = 0.5, device: Device = .cpu
    ) throws(TorchError) {
        self.theta = theta
        self.centreRate = centreRate
        store = ParameterStore(seed: 0, device: device)
        let scope = store.root / "feature_loss"
        centres = try scope.parameter(
            "centres", [classes, features], .constant(0), role: .buffer)
        logVariance = try scope.parameter(
            "log_variance", [classes, features], .constant(0), role: .featureVariance)
    }

    /// `features` [N, D], `labels` [N] int64. A scalar.
    public func callAsFunction(_ features: Tensor, labels: Tensor) throws(TorchError) -> Tensor {
        let limit = Self.logVarianceLimit
        let rho = try logVariance.tensor.clamp(min: -limit, max: limit).indexSelect(dim: 0, labels)
        let offset = try features - centres.tensor.indexSelect(dim: 0, labels)
        let squares = try offset * offset
        return try (theta / 2) * (squares + squares * (-rho).exp() + rho).sum([1]).mean()
    }

    /// Moves the centres of the classes in the batch: c_m += rate * sum (f - c_m) / (1 + n_m).
    public func updateCentres(_ features: Tensor, labels: Tensor) throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            let members = try membership(labels)
            let counts = try members.sum([1], keep: true)
            let sums = try members.matmul(features.detached().to(.float32))
            let shift = try (sums - counts * centres.tensor) / (counts + 1.0)
            try centres.tensor.add_(shift, scale: centreRate)
        }
    }

    /// Sets centres to class means and variances to per-class variances of all `features` [N, D];
    /// a class without images keeps centre 0 and variance 1.
    public func initialise(features: Tensor, labels: Tensor) throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            let members = try membership(labels)
            let counts = try members.sum([1], keep: true)
            let divisor = try counts.clamp(min: 1)
            let values = try features.detached()
            let means = try members.matmul(values) / divisor
            // Squared distances from the own class's mean: no cancellation of large means.
            let offsets = try values - means.indexSelect(dim: 0, labels)
            let variances = try members.matmul(offsets * offsets) / divisor
            let limit = Self.logVarianceLimit
            let rho = try variances.clamp(min: 1e-12).log().clamp(min: -limit, max: limit)
            let present = try counts.gt(0).to(.float32)
            try centres.tensor.copy_(from: means)
            try logVariance.tensor.copy_(from: rho * present)
        }
    }

    /// One-hot rows of the classes, [classes, N].
    private func membership(_ labels: Tensor) throws(TorchError) -> Tensor {
        let classes = centres.tensor.shape[0]
        let indices = try Tensor.arange(classes).reshape([classes, 1])
            .to(labels.device)
        return try indices.eq(labels.unsqueeze(0)).to(.float32)
    }
}
