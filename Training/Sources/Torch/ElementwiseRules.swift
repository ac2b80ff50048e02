import Foundation

/// AdaGrad (Duchi et al., 2011), as `torch.optim.Adagrad` without a decay of the rate:
///
///     s = s + g * g        x = x - learningRate * g / (sqrt(s) + epsilon)
public struct AdaGrad: ElementwiseRule {
    private let epsilon: Double

    /// - Throws: `TorchError` of code `argument` for a negative epsilon.
    public init(epsilon: Double = 1e-10) throws(TorchError) {
        self.epsilon = try checked(epsilon: epsilon)
    }

    /// What messages call it.
    public var name: String { "AdaGrad" }
    /// s.
    public var memory: [String] { ["sum"] }

    /// Moves a parameter.
    public func update(
        _ x: Tensor, gradient g: Tensor, memory: [Tensor], step: Int64, rate: Double
    ) throws(TorchError) {
        try memory[0].add_(g.square())
        try x.add_(g / (memory[0].sqrt() + epsilon), scale: -rate)
    }
}

/// AdaDelta (Zeiler, 2012), as `torch.optim.Adadelta`:
///
///     v = rho * v + (1 - rho) * g * g
///     d = g * sqrt(u + epsilon) / sqrt(v + epsilon)
///     u = rho * u + (1 - rho) * d * d        x = x - learningRate * d
public struct AdaDelta: ElementwiseRule {
    private let rho: Double
    private let epsilon: Double

    /// - Throws: `TorchError` of code `argument` for a rho outside of [0, 1) and a negative epsilon.
    public init(rho: Double = 0.9, epsilon: Double = 1e-6) throws(TorchError) {
        self.rho = try checked(decay: rho, "rho")
        self.epsilon = try checked(epsilon: epsilon)
    }

    /// What messages call it.
    public var name: String { "AdaDelta" }
    /// v and u.
    public var memory: [String] { ["square_avg", "acc_delta"] }

    /// Moves a parameter.
    public func update(
        _ x: Tensor, gradient g: Tensor, memory: [Tensor], step: Int64, rate: Double
    ) throws(TorchError) {
        let (squares, deltas) = (memory[0], memory[1])
        try squares.lerp_(g.square(), weight: 1 - rho)
        let delta = try (deltas + epsilon).sqrt() / (squares + epsilon).sqrt() * g
        try deltas.lerp_(delta.square(), weight: 1 - rho)
        try x.add_(delta, scale: -rate)
    }
}

/// RMSProp (Tieleman and Hinton, 2012), as `torch.optim.RMSprop` without momentum, whose alpha is rho:
///
///     v = rho * v + (1 - rho) * g * g        x = x - learningRate * g / (sqrt(v) + epsilon)
public struct RMSProp: ElementwiseRule {
    private let rho: Double
    private let epsilon: Double

    /// - Throws: `TorchError` of code `argument` for a rho outside of [0, 1) and a negative epsilon.
    public init(rho: Double = 0.9, epsilon: Double = 1e-8) throws(TorchError) {
        self.rho = try checked(decay: rho, "rho")
        self.epsilon = try checked(epsilon: epsilon)
    }

    /// What messages call it.
    public var name: String { "RMSProp" }
    /// v.
    public var memory: [String] { ["square_avg"] }

    /// Moves a parameter.
    public func update(
        _ x: Tensor, gradient g: Tensor, memory: [Tensor], step: Int64, rate: Double
    ) throws(TorchError) {
        try memory[0].lerp_(g.square(), weight: 1 - rho)
        try x.add_(g / (memory[0].sqrt() + epsilon), scale: -rate)
    }
}

/// AdaMax (Kingma and Ba, 2015), as `torch.optim.Adamax`:
///
///     m = beta1 * m + (1 - beta1) * g        u = max(beta2 * u, |g| + epsilon)
///     x = x - learningRate / (1 - beta1^t) * m / u
///
/// Shift-based (Hubara, Courbariaux et al., Binarized Neural Networks, NIPS 2016; the order is that of the authors'
/// code), with AP2(z) = sign(z) 2^round(log2 |z|) in the place of what it would multiply by:
///
///     u = AP2(max(beta2 * u, |g|)) + epsilon        x = x - AP2(learningRate / (1 - beta1^t)) * m / u
public struct AdaMax: ElementwiseRule {
    private let betas: (Double, Double)
    private let epsilon: Double
    private let isShiftBased: Bool

    /// - Parameter epsilon: nil: 1e-8 as PyTorch's, 2^-27 of the shift-based one.
    /// - Throws: `TorchError` of code `argument` for betas outside of [0, 1) and a negative epsilon.
    public init(
        betas: (Double, Double) = (0.9, 0.999), epsilon: Double? = nil, isShiftBased: Bool = false
    ) throws(TorchError) {
        self.betas = (
            try checked(decay: betas.0, "beta1"), try checked(decay: betas.1, "beta2")
        )
        self.epsilon = try checked(epsilon: epsilon ?? (isShiftBased ? 0x1p-27 : 1e-8))
        self.isShiftBased = isShiftBased
    }

    /// What messages call it.
    public var name: String { isShiftBased ? "shift-based AdaMax" : "AdaMax" }
    /// m and u.
    public var memory: [String] { ["exp_avg", "exp_inf"] }

    /// Moves a parameter.
    public func update(
        _ x: Tensor, gradient g: Tensor, memory: [Tensor], step: Int64, rate: Double
    ) throws(TorchError) {
        let (average, largest) = (memory[0], memory[1])
        try average.lerp_(g, weight: 1 - betas.0)
        var corrected = rate / (1 - power(betas.0, step))
        let faded = try largest * betas.1
        if isShiftBased {
            try largest.copy_(from: faded.maximum(g.abs()).nearestPowersOfTwo() + epsilon)
            corrected = nearestPowerOfTwo(corrected)
        } else {
            try largest.copy_(from: faded.maximum(g.abs() + epsilon))
        }
        try x.add_(average / largest, scale: -corrected)
    }
}

private func power(_ base: Double, _ exponent: Int64) -> Double { pow(base, Double(exponent)) }

private func checked(epsilon: Double) throws(TorchError) -> Double {
    try require("epsilon", epsilon, in: 0...Double.greatestFiniteMagnitude)
    return epsilon
}

private func checked(decay: Double, _ name: String) throws(TorchError) -> Double {
    try require(name, decay, in: 0...1.0.nextDown)
    return decay
}
