import Torch

@testable import BONNMethods

extension BONNKernel {
    /// The quantizer of tensors of any precision, which a store of parameters does not hold.
    init(
        scale: Tensor, mu: Tensor? = nil, sigma: Tensor? = nil, reading: ScaleReading,
        scaleGradient: ScaleGradient = .printed
    ) {
        self.init(
            scale: Parameter(name: "w", tensor: scale, role: .scale),
            mu: Parameter(name: "mu", tensor: mu ?? scale, role: .mu),
            sigma: Parameter(name: "sigma", tensor: sigma ?? scale, role: .sigma),
            reading: reading, scaleGradient: scaleGradient)
    }
}
