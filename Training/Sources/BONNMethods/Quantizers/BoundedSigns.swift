import BONNNetworks
import Torch

/// sign(W) without a scale, of latent weights that stay in [-H, H]: BinaryConnect's, BNN's and their heirs'.
/// The gradient of the kernel is that of W; with W in its range it is the one of hardtanh too.
///
/// The papers have H = 1 and multiply the update steps of a layer by 1 / sqrt(1.5 / (fan-in + fan-out)). Latent
/// weights in units of that factor do the same with any optimizer: signs, probabilities and gradients know
/// W / H alone, and a step over H is the multiplied one (`bound`).
struct BoundedSigns: KernelQuantizer {
    /// H.
    let bound: Double
    /// Whether signs are drawn in training, +1 with the probability (W / H + 1) / 2. Outside of it the kernel
    /// is then W / H itself, the mean.
    var isDrawn = false
    /// How the gradient of signs that are not drawn passes, of W / H.
    var slope = Slope.identity
    /// Whether weights are kept in their range.
    var isClipped = true

    /// H of weights [K, C, kh, kw] or [K, C]: sqrt(1.5 / (fan-in + fan-out)), both of which count the window, with
    /// the multiplied rates of the papers; else 1.
    static func bound(_ shape: [Int], glorotRates: Bool) -> Double {
        guard glorotRates else { return 1 }
        let window = shape.dropFirst(2).reduce(1, *)
        return (1.5 / Double((shape[0] + shape[1]) * window)).squareRoot()
    }

    func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
        guard isDrawn else {
            let surrogate =
                slope == .identity ? latent : try slope.surrogate(latent / bound) * bound
            return try straightThrough(signOrPlusOne(latent), gradientOf: surrogate)
        }
        guard pass.isTraining else { return try latent / bound }
        return try straightThrough(
            drawnSigns(latent / bound, pass.generator), gradientOf: latent)
    }

    func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
        let values = try (latent.detached() / bound).to(.cpu).floats()
        return isDrawn ? .real(values) : .binary([KernelTerm(signs: values, scale: [1])])
    }

    func constrain(_ latent: Tensor) throws(TorchError) {
        guard isClipped else { return }
        try withoutGradient { () throws(TorchError) in
            try latent.clamp_(min: -bound, max: bound)
        }
    }
}

extension BoundedSigns {
    /// Of weights that are flipped and not moved: +-1, which are set here to the signs that they have.
    init(startingFromSignsOf latent: Tensor) throws(TorchError) {
        self.init(bound: 1)
        try withoutGradient { () throws(TorchError) in
            try latent.copy_(from: signOrPlusOne(latent))
        }
    }
}

/// +1 with the probability hard_sigmoid(x) = clip((x + 1) / 2, 0, 1), else -1; without a gradient.
///
/// - Throws: `TorchError` of code `state` without a generator.
func drawnSigns(_ x: Tensor, _ generator: Generator?) throws(TorchError) -> Tensor {
    guard let generator else {
        throw TorchError(.state, "signs that are drawn in training need a generator")
    }
    let probability = try (x.detached() + 1.0) / 2.0
    return try generator.uniform(x.shape).lt(probability).to(.float32) * 2.0 - 1.0
}
